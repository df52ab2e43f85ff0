//! Reads `dlib_face_recognition_resnet_model_v1.dat`: a network as dlib writes it.
//!
//! The stream is the C++ type written from the outside in: each wrapper writes the number of its version, then what it
//! wraps, then its own layer. So all versions come first, and after them the layers from the input to the output. A layer
//! begins with its name. Nothing in it is code, and only this one network is read.

/// No such file is larger.
pub(super) const MOST_BYTES: u64 = 64 * 1024 * 1024;
/// Width and height of the network's input.
pub(super) const SIDE: i64 = 150;
/// What dlib takes off red, green and blue.
const MEANS: [f64; 3] = [122.782, 117.001, 104.298];
/// Outputs of the last layer.
pub(super) const DIM: usize = 128;

/// Blocks of one width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) width: i64,
    /// Whether the first one halves the sides.
    pub(super) halves: bool,
    pub(super) blocks: usize,
}

/// All of them.
pub(super) const LEVELS: [Level; 5] = [
    Level { width: 32, halves: false, blocks: 3 },
    Level { width: 64, halves: true, blocks: 4 },
    Level { width: 128, halves: true, blocks: 3 },
    Level { width: 256, halves: true, blocks: 3 },
    Level { width: 256, halves: true, blocks: 1 },
];

/// A network of the same kind with few channels, so that a stream of it can be broken everywhere.
#[cfg(any(test, fuzzing))]
pub(super) const SMALL: [Level; 2] =
    [Level { width: 2, halves: false, blocks: 1 }, Level { width: 3, halves: true, blocks: 2 }];

/// One block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockPlan {
    pub(super) width: i64,
    pub(super) halves: bool,
}

/// The blocks of all levels, in order.
pub(super) fn blocks(levels: &[Level]) -> impl Iterator<Item = BlockPlan> + '_ {
    levels
        .iter()
        .flat_map(|level| (0..level.blocks).map(|at| BlockPlan { width: level.width, halves: level.halves && at == 0 }))
}

/// A convolution with the scale and shift behind it folded in.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Folded {
    /// Outputs, inputs, rows and columns of the kernel.
    pub(super) shape: [i64; 4],
    pub(super) weight: Vec<f32>,
    pub(super) bias: Vec<f32>,
}

/// The values of a network.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stream {
    /// In the order in which they are applied.
    pub(super) convolutions: Vec<Folded>,
    /// The last layer: one row of weights for each input.
    pub(super) linear: Vec<f32>,
}

/// A step of the network, in the order in which it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Convolution {
        shape: [i64; 4],
        stride: i64,
        padding: i64,
    },
    Affine,
    Relu,
    MaxPool,
    /// Halving the sides, or over all of them.
    AveragePool {
        halves: bool,
    },
    Add,
    Linear {
        inputs: i64,
    },
    /// A name for what was computed so far, or a step back to it: a wrapper without a layer.
    Tag,
}

/// All steps of a network with these levels.
fn steps(levels: &[Level]) -> Vec<Step> {
    let mut width = levels.first().map_or(0, |level| level.width);
    let convolution = |outputs, inputs, side, stride, padding| {
        [Step::Convolution { shape: [outputs, inputs, side, side], stride, padding }, Step::Affine]
    };
    let mut steps = convolution(width, 3, 7, 2, 0).to_vec();
    steps.extend([Step::Relu, Step::MaxPool]);
    for block in blocks(levels) {
        let (stride, padding) = if block.halves { (2, 0) } else { (1, 1) };
        steps.push(Step::Tag);
        steps.extend(convolution(block.width, width, 3, stride, padding));
        steps.push(Step::Relu);
        steps.extend(convolution(block.width, block.width, 3, 1, 1));
        if block.halves {
            steps.extend([Step::Tag, Step::Tag, Step::AveragePool { halves: true }]);
        }
        steps.extend([Step::Add, Step::Relu]);
        width = block.width;
    }
    steps.extend([Step::AveragePool { halves: false }, Step::Linear { inputs: width }]);
    steps
}

/// Reads a network with these levels. The error is a part of a sentence about the file.
///
/// # Errors
/// When the bytes end early, hold another network, numbers that are not finite, or something behind the network.
pub(super) fn read(bytes: &[u8], levels: &[Level]) -> Result<Stream, String> {
    let mut reader = Reader { rest: bytes };
    let stream = reader.network(&steps(levels))?;
    match reader.rest.len() {
        0 => Ok(stream),
        more => Err(format!("{more} bytes follow the network")),
    }
}

const OTHER: &str = "it holds another network than dlib's for faces";
const NOT_FINITE: &str = "it holds numbers that are not finite";

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn network(&mut self, steps: &[Step]) -> Result<Stream, String> {
        self.expect(1)?;
        self.name("loss_metric_2")?;
        self.float()?;
        self.float()?;
        let mut versions = Vec::with_capacity(steps.len());
        for (at, step) in steps.iter().enumerate().rev() {
            let known: &[i64] = match step {
                Step::Tag => &[1],
                _ if at == 0 => &[2, 3],
                _ => &[1, 2],
            };
            versions.push(self.one_of(known)?);
        }
        versions.reverse();
        self.name("input_rgb_image_sized")?;
        for mean in MEANS {
            // NaN lies in no range, and no difference from it is large.
            if !(mean - 1e-3..=mean + 1e-3).contains(&self.float()?) {
                return Err(OTHER.into());
            }
        }
        self.expect(SIDE)?;
        self.expect(SIDE)?;
        let mut stream = Stream { convolutions: Vec::new(), linear: Vec::new() };
        for (at, (step, version)) in steps.iter().zip(versions).enumerate() {
            if *step == Step::Tag {
                continue;
            }
            self.layer(*step, &mut stream)?;
            for _ in 0..3 {
                self.flag()?;
            }
            // Gradients and outputs, which are empty in a file.
            for _ in 0..if at == 0 || version == 2 { 3 } else { 2 } {
                self.tensor(0)?;
            }
            if at == 0 && version == 3 {
                self.integer()?;
            }
        }
        Ok(stream)
    }

    fn layer(&mut self, step: Step, stream: &mut Stream) -> Result<(), String> {
        match step {
            Step::Convolution { shape, stride, padding } => {
                self.name("con_4")?;
                let [outputs, inputs, rows, columns] = shape;
                let weights = (outputs * inputs * rows * columns) as usize;
                let mut weight = self.tensor(weights + outputs as usize)?;
                for known in [outputs, rows, columns, stride, stride, padding, padding] {
                    self.expect(known)?;
                }
                self.alias(shape)?;
                self.alias([1, outputs, 1, 1])?;
                self.rates()?;
                let bias = weight.split_off(weights);
                stream.convolutions.push(Folded { shape, weight, bias });
            }
            Step::Affine => {
                self.name("affine_")?;
                let folded = stream.convolutions.last_mut().ok_or(OTHER)?;
                let outputs = folded.bias.len();
                let values = self.tensor(2 * outputs)?;
                let (factors, shifts) = values.split_at(outputs);
                self.alias([1, outputs as i64, 1, 1])?;
                self.alias([1, outputs as i64, 1, 1])?;
                self.integer()?;
                folded.fold(factors, shifts);
                if !folded.is_finite() {
                    return Err(NOT_FINITE.into());
                }
            }
            Step::Relu => self.name("relu_")?,
            Step::Add => self.name("add_prev_")?,
            Step::MaxPool => self.pool("max_pool_2", [3, 3, 2, 2, 0, 0])?,
            Step::AveragePool { halves: true } => self.pool("avg_pool_2", [2, 2, 2, 2, 0, 0])?,
            Step::AveragePool { halves: false } => self.pool("avg_pool_2", [0, 0, 1, 1, 0, 0])?,
            Step::Linear { inputs } => {
                self.name("fc_2")?;
                self.expect(DIM as i64)?;
                self.expect(inputs)?;
                stream.linear = self.tensor(inputs as usize * DIM)?;
                self.alias([inputs, DIM as i64, 1, 1])?;
                self.alias([0; 4])?;
                self.integer()?;
                self.rates()?;
            }
            Step::Tag => {}
        }
        Ok(())
    }

    fn pool(&mut self, name: &str, numbers: [i64; 6]) -> Result<(), String> {
        self.name(name)?;
        numbers.into_iter().try_for_each(|number| self.expect(number))
    }

    /// Where a part of a tensor lies: its shape.
    fn alias(&mut self, shape: [i64; 4]) -> Result<(), String> {
        self.expect(1)?;
        shape.into_iter().try_for_each(|side| self.expect(side))
    }

    /// Learning rates and weight decays, which say nothing here.
    fn rates(&mut self) -> Result<(), String> {
        (0..4).try_for_each(|_| self.float().map(drop))
    }

    /// The values of a tensor that must have so many.
    fn tensor(&mut self, count: usize) -> Result<Vec<f32>, String> {
        self.expect(2)?;
        let mut product = 1_i64;
        for _ in 0..4 {
            product = product.checked_mul(self.integer()?).ok_or(OTHER)?;
        }
        if usize::try_from(product) != Ok(count) {
            return Err(OTHER.into());
        }
        let values = self.take(count * 4)?.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
        let values: Vec<_> = values.collect();
        let finite = values.iter().all(|value| value.is_finite());
        if finite { Ok(values) } else { Err(NOT_FINITE.into()) }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or("it ends early")?;
        self.rest = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, String> {
        self.take(1).map(|taken| taken[0])
    }

    /// One byte says how many follow, and whether the number is negative; the lowest comes first.
    fn integer(&mut self) -> Result<i64, String> {
        let control = self.byte()?;
        let count = usize::from(control & 0x0F);
        if !(1..=8).contains(&count) || control & 0x70 != 0 {
            return Err(OTHER.into());
        }
        let mut bytes = [0; 8];
        bytes[..count].copy_from_slice(self.take(count)?);
        let value = i64::try_from(u64::from_le_bytes(bytes)).map_err(|_| OTHER)?;
        Ok(if control & 0x80 != 0 { -value } else { value })
    }

    /// A whole number, and the power of two that it is multiplied by.
    fn float(&mut self) -> Result<f64, String> {
        let (mantissa, exponent) = (self.integer()?, self.integer()?);
        let exponent = i32::try_from(exponent).map_err(|_| OTHER)?;
        Ok(mantissa as f64 * 2.0_f64.powi(exponent))
    }

    fn flag(&mut self) -> Result<(), String> {
        if matches!(self.byte()?, b'0' | b'1') { Ok(()) } else { Err(OTHER.into()) }
    }

    fn name(&mut self, known: &str) -> Result<(), String> {
        let length = self.integer()?;
        if length != known.len() as i64 || self.take(known.len())? != known.as_bytes() {
            return Err(OTHER.into());
        }
        Ok(())
    }

    fn expect(&mut self, known: i64) -> Result<(), String> {
        self.one_of(&[known]).map(drop)
    }

    fn one_of(&mut self, known: &[i64]) -> Result<i64, String> {
        let found = self.integer()?;
        if known.contains(&found) { Ok(found) } else { Err(OTHER.into()) }
    }
}

impl Folded {
    /// Scales and shifts each output.
    fn fold(&mut self, factors: &[f32], shifts: &[f32]) {
        let each = self.weight.len() / self.bias.len().max(1);
        for (values, factor) in self.weight.chunks_mut(each.max(1)).zip(factors) {
            values.iter_mut().for_each(|value| *value *= factor);
        }
        for ((bias, factor), shift) in self.bias.iter_mut().zip(factors).zip(shifts) {
            *bias = *bias * factor + shift;
        }
    }

    fn is_finite(&self) -> bool {
        self.weight.iter().chain(&self.bias).all(|value| value.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes streams.
    #[derive(Default)]
    struct Writer(Vec<u8>);

    impl Writer {
        fn integer(&mut self, value: i64) {
            let bytes = value.unsigned_abs().to_le_bytes();
            let count = 8 - bytes.iter().rev().take_while(|byte| **byte == 0).count().min(7);
            self.0.push(count as u8 | if value < 0 { 0x80 } else { 0 });
            self.0.extend(&bytes[..count]);
        }
        fn integers(&mut self, values: &[i64]) {
            values.iter().for_each(|value| self.integer(*value));
        }
        fn name(&mut self, name: &str) {
            self.integer(name.len() as i64);
            self.0.extend(name.as_bytes());
        }
        fn tensor(&mut self, shape: [i64; 4]) {
            self.integer(2);
            self.integers(&shape);
            for at in 0..shape.iter().product::<i64>() {
                self.0.extend(((at % 7) as f32 / 4.0 - 0.5).to_le_bytes());
            }
        }
        fn alias(&mut self, shape: [i64; 4]) {
            self.integer(1);
            self.integers(&shape);
        }
    }

    fn stream(levels: &[Level]) -> Vec<u8> {
        let steps = steps(levels);
        let mut to = Writer::default();
        to.integer(1);
        to.name("loss_metric_2");
        to.integers(&[5, -3, 3, -2]);
        for (at, step) in steps.iter().enumerate().rev() {
            to.integer(if *step == Step::Tag {
                1
            } else if at == 0 {
                3
            } else {
                2
            });
        }
        to.name("input_rgb_image_sized");
        for mean in MEANS {
            to.integers(&[(mean * 65536.0) as i64, -16]);
        }
        to.integers(&[150, 150]);
        let mut outputs = 0;
        for (at, step) in steps.iter().enumerate() {
            match *step {
                Step::Tag => continue,
                Step::Convolution { shape, stride, padding } => {
                    outputs = shape[0];
                    to.name("con_4");
                    to.tensor([shape.iter().product::<i64>() + outputs, 1, 1, 1]);
                    to.integers(&[outputs, shape[2], shape[3], stride, stride, padding, padding]);
                    to.alias(shape);
                    to.alias([1, outputs, 1, 1]);
                    to.integers(&[1, 0, 1, 0, 1, 0, 0, 0]);
                }
                Step::Affine => {
                    to.name("affine_");
                    to.tensor([2 * outputs, 1, 1, 1]);
                    to.alias([1, outputs, 1, 1]);
                    to.alias([1, outputs, 1, 1]);
                    to.integer(0);
                }
                Step::Relu => to.name("relu_"),
                Step::Add => to.name("add_prev_"),
                Step::MaxPool => {
                    to.name("max_pool_2");
                    to.integers(&[3, 3, 2, 2, 0, 0]);
                }
                Step::AveragePool { halves } => {
                    to.name("avg_pool_2");
                    to.integers(if halves { &[2, 2, 2, 2, 0, 0] } else { &[0, 0, 1, 1, 0, 0] });
                }
                Step::Linear { inputs } => {
                    to.name("fc_2");
                    to.integers(&[DIM as i64, inputs]);
                    to.tensor([inputs, DIM as i64, 1, 1]);
                    to.alias([inputs, DIM as i64, 1, 1]);
                    to.alias([0; 4]);
                    to.integers(&[1, 1, 0, 1, 0, 1, 0, 0, 0]);
                }
            }
            to.0.extend(b"110");
            for _ in 0..3 {
                to.tensor([0; 4]);
            }
            if at == 0 {
                to.integer(0);
            }
        }
        to.0
    }

    #[test]
    fn a_stream_is_read_to_its_last_byte_and_scales_are_folded_in() {
        let read = read(&stream(&SMALL), &SMALL).unwrap();
        assert_eq!(read.convolutions.len(), 7);
        let Folded { shape, weight, bias } = &read.convolutions[0];
        assert_eq!((*shape, weight.len(), read.linear.len()), ([2, 3, 7, 7], 294, 3 * 128));
        // Factors −0.5 and −0.25, shifts 0 and 0.25; the biases are numbers 294 and 295 of the tensor.
        assert_eq!((weight[1], weight[148]), (-0.25 * -0.5, (148 % 7) as f32 / 4.0 * -0.25 + 0.5 * 0.25));
        assert_eq!(bias[..], [-0.5 * -0.5, -0.25 * -0.25 + 0.25]);
    }

    #[test]
    fn a_stream_cut_short_anywhere_is_refused() {
        let whole = stream(&SMALL);
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length], &SMALL), Err("it ends early".to_owned()), "{length}");
        }
    }

    #[test]
    fn whatever_a_byte_is_changed_to_it_is_read_or_refused_in_a_few_words() {
        let mut bytes = stream(&SMALL);
        let whole = read(&bytes, &SMALL).unwrap();
        let mut refused = 0;
        for at in 0..bytes.len() {
            let right = bytes[at];
            for wrong in [0, 1, 8, 0x7F, 0x88, 0xFF, right ^ 1] {
                bytes[at] = wrong;
                match read(&bytes, &SMALL) {
                    Ok(other) => assert_eq!(other.linear.len(), whole.linear.len()),
                    Err(reason) => {
                        refused += 1;
                        assert!(!reason.is_empty() && reason.len() < 80, "{reason}");
                    }
                }
            }
            bytes[at] = right;
        }
        assert!(refused > 1000, "{refused}");
    }

    #[test]
    fn what_is_no_such_network_is_refused_with_its_reason() {
        let whole = stream(&SMALL);
        let other = [Level { width: 2, halves: false, blocks: 2 }];
        assert_eq!(read(&whole, &other), Err(OTHER.to_owned()));
        assert_eq!(read(b"\x01\x01\x01\x0dloss_metric_3", &SMALL), Err(OTHER.to_owned()));
        assert_eq!(read(&[&whole[..], b"more"].concat(), &SMALL), Err("4 bytes follow the network".to_owned()));
        let mut infinite = whole.clone();
        let values = whole.windows(4).position(|bytes| bytes == (-0.5_f32).to_le_bytes()).unwrap();
        infinite[values..values + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
        assert_eq!(read(&infinite, &SMALL), Err(NOT_FINITE.to_owned()));
        // Each is finite, and what is folded of both is not.
        let mut huge = whole.clone();
        let factors = whole.windows(8).position(|bytes| bytes == b"\x07affine_").unwrap();
        for values in [values, factors] {
            let at = values + whole[values..].windows(4).position(|bytes| bytes == (-0.5_f32).to_le_bytes()).unwrap();
            huge[at..at + 4].copy_from_slice(&1e30_f32.to_le_bytes());
        }
        assert_eq!(read(&huge, &SMALL), Err(NOT_FINITE.to_owned()));
        // 0 · 2^2000 is no number.
        let mean = [&b"\x15input_rgb_image_sized"[..], &[3]].concat();
        let mean = whole.windows(mean.len()).position(|bytes| bytes == mean).unwrap() + mean.len() - 1;
        let none = [&whole[..mean], b"\x01\x00\x02\xd0\x07", &whole[mean + 6..]].concat();
        assert_eq!(read(&none, &SMALL), Err(OTHER.to_owned()));
    }
}
