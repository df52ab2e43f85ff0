//! oneDNN's fused convolutions: convolution, bias, the sum with the shortcut and the activation in one pass over memory,
//! on weights that are laid out for the processor once and not at every call.
//!
//! libtorch has them as operators for PyTorch's own compiler. The bindings name no such operator, but TorchScript does,
//! so a module of one-line methods is written down here and loaded from memory.

use std::io::{Cursor, Write};

use tch::{CModule, Device, IValue, Kind, TchError, Tensor, jit};
use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

/// TorchScript's serialized form of the module.
const CODE: &str = r#"class Fused(Module):
  __parameters__ = []
  __buffers__ = []
  def pack(self: __torch__.Fused,
    weight: Tensor,
    padding: List[int],
    stride: List[int],
    groups: int,
    input: List[int]) -> Tensor:
    return ops.mkldnn._reorder_convolution_weight(weight, padding, stride, [1, 1], groups, input)
  def convolve(self: __torch__.Fused,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    padding: List[int],
    stride: List[int],
    groups: int,
    activation: str,
    algorithm: str) -> Tensor:
    return ops.mkldnn._convolution_pointwise(x, weight, bias, padding, stride, [1, 1], groups, activation, annotate(List[Optional[number]], []), algorithm)
  def convolve_relu6(self: __torch__.Fused,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    padding: List[int],
    stride: List[int],
    groups: int) -> Tensor:
    return ops.mkldnn._convolution_pointwise(x, weight, bias, padding, stride, [1, 1], groups, "hardtanh", annotate(List[Optional[number]], [0., 6.]), "")
  def convolve_add(self: __torch__.Fused,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    padding: List[int],
    stride: List[int],
    groups: int,
    sum: Tensor,
    activation: Optional[str]) -> Tensor:
    return ops.mkldnn._convolution_pointwise_(sum, x, weight, bias, padding, stride, [1, 1], groups, "add", 1., activation, annotate(List[Optional[number]], []), "")
"#;
/// A pickled `Fused` without attributes, and an empty tuple of constants.
const OBJECT: &[u8] = b"\x80\x02c__torch__\nFused\nq\x00)\x81}b.";
const CONSTANTS: &[u8] = b"\x80\x02).";
const FORMAT: &[u8] = b"3\n";

/// How a convolution moves over its input: the same numbers for both sides of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Geometry {
    pub(super) stride: i64,
    /// Zeros around the picture.
    pub(super) padding: i64,
    /// Into so many groups the channels are divided, each with weights of its own.
    pub(super) groups: i64,
}

/// What follows a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activation {
    None,
    Relu,
    /// min(max(x, 0), 6).
    Relu6,
    /// x · σ(x) with the logistic function σ (Elfwing et al. 2017), also called swish.
    Silu,
    /// x · min(max(x + 3, 0), 6) / 6 (Howard et al., "Searching for MobileNetV3", 2019).
    HardSwish,
    /// The logistic function.
    Sigmoid,
    /// min(max(x + 3, 0), 6) / 6.
    HardSigmoid,
    /// x · Φ(x) with the normal distribution Φ (Hendrycks and Gimpel 2016).
    Gelu,
}

impl Activation {
    /// Applied by itself, in place.
    pub(super) fn apply(self, mut x: Tensor) -> Result<Tensor, TchError> {
        match self {
            Self::None => Ok(x),
            Self::Relu => x.f_relu_(),
            Self::Relu6 => x.f_clamp_(0, 6),
            Self::Silu => x.f_silu_(),
            Self::HardSwish => x.f_hardswish_(),
            Self::Sigmoid => x.f_sigmoid_(),
            Self::HardSigmoid => x.f_hardsigmoid_(),
            Self::Gelu => x.f_gelu_("none"),
        }
    }

    /// oneDNN's name and algorithm, as libtorch passes them on; `None` for the one that takes limits.
    fn named(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::None => Some(("none", "")),
            Self::Relu => Some(("relu", "")),
            Self::Relu6 => None,
            Self::Silu => Some(("swish", "")),
            Self::HardSwish => Some(("hardswish", "")),
            Self::Sigmoid => Some(("sigmoid", "")),
            Self::HardSigmoid => Some(("hardsigmoid", "")),
            Self::Gelu => Some(("gelu", "none")),
        }
    }
}

/// The operators, ready to be called.
pub(super) struct Fused {
    module: CModule,
    /// The file that the module was loaded from.
    archive: Vec<u8>,
}

impl Fused {
    /// The operators, each of which has worked once in the given precision. They are internals of libtorch: another
    /// version may not have them, or want other arguments.
    ///
    /// # Errors
    /// When one of them is missing or fails.
    pub(super) fn new(kind: Kind) -> Result<Self, TchError> {
        Self::of(CODE, kind)
    }

    /// [`Fused::new`] with given code.
    pub(super) fn of(code: &str, kind: Kind) -> Result<Self, TchError> {
        if !tch::utils::has_mkldnn() {
            return Err(TchError::Torch("this libtorch was built without oneDNN".into()));
        }
        let fused = Self::load(archive(code).map_err(|error| TchError::Torch(error.to_string()))?)?;
        tch::no_grad(|| fused.rehearse(kind))?;
        Ok(fused)
    }

    fn load(archive: Vec<u8>) -> Result<Self, TchError> {
        Ok(Self { module: CModule::load_data(&mut Cursor::new(&archive))?, archive })
    }

    /// The same operators for another thread.
    pub(super) fn share(&self) -> Result<Self, TchError> {
        Self::load(self.archive.clone())
    }

    /// Calls every operator once, on a picture of 4×4 pixels with 16 channels.
    fn rehearse(&self, kind: Kind) -> Result<(), TchError> {
        let ones = |shape: [i64; 4]| Tensor::f_ones(shape, (kind, Device::Cpu));
        let (shape, geometry) = ([1, 16, 4, 4], Geometry { stride: 1, padding: 0, groups: 1 });
        let (x, bias) = (ones(shape)?, Tensor::f_ones([16], (kind, Device::Cpu))?);
        let weight = self.pack(&ones([16, 16, 1, 1])?, geometry, shape)?;
        // 16 ones and the bias: small numbers, which every precision holds.
        let all = |y: &Tensor, value: f64| -> Result<bool, TchError> {
            let apart = y.f_to_kind(Kind::Float)?.f_sub_scalar(value)?.f_abs()?.f_max()?.f_double_value(&[])?;
            Ok(apart <= value / 256.0)
        };
        let mut right = true;
        for (then, expected) in [
            (Activation::None, 17.0),
            (Activation::Relu, 17.0),
            (Activation::Relu6, 6.0),
            (Activation::Silu, 17.0),
            (Activation::HardSwish, 17.0),
            (Activation::Sigmoid, 1.0),
            (Activation::HardSigmoid, 1.0),
            (Activation::Gelu, 17.0),
        ] {
            let y = self.convolve(&x, &weight, &bias, geometry, then)?;
            right &= all(&y, expected)?;
            let sum = self.convolve_add(&x, &weight, &bias, geometry, &Tensor::f_zeros_like(&y)?, then)?;
            right &= all(&sum, expected)?;
        }
        if right { Ok(()) } else { Err(TchError::Torch("they compute something else than a convolution".into())) }
    }

    /// A convolution's weights laid out for an input of the given shape.
    pub(super) fn pack(&self, weight: &Tensor, geometry: Geometry, input: [i64; 4]) -> Result<Tensor, TchError> {
        let Geometry { stride, padding, groups } = geometry;
        self.call("pack", &[tensor(weight), list(padding), list(stride), IValue::Int(groups), input.to_vec().into()])
    }

    /// A convolution of `x` with packed weights.
    pub(super) fn convolve(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        Geometry { stride, padding, groups }: Geometry,
        then: Activation,
    ) -> Result<Tensor, TchError> {
        let mut arguments =
            vec![tensor(x), tensor(weight), tensor(bias), list(padding), list(stride), IValue::Int(groups)];
        let Some((activation, algorithm)) = then.named() else { return self.call("convolve_relu6", &arguments) };
        arguments.extend([activation.into(), algorithm.into()]);
        self.call("convolve", &arguments)
    }

    /// A convolution of `x` with packed weights plus `sum`, in the place of `sum`.
    pub(super) fn convolve_add(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        Geometry { stride, padding, groups }: Geometry,
        sum: &Tensor,
        then: Activation,
    ) -> Result<Tensor, TchError> {
        let (activation, after) = match then {
            Activation::Relu => ("relu".into(), Activation::None),
            // The operator takes no limits and no algorithm here.
            other => (IValue::None, other),
        };
        let groups = IValue::Int(groups);
        let arguments =
            [tensor(x), tensor(weight), tensor(bias), list(padding), list(stride), groups, tensor(sum), activation];
        after.apply(self.call("convolve_add", &arguments)?)
    }

    fn call(&self, method: &str, arguments: &[IValue]) -> Result<Tensor, TchError> {
        // One operator a method: there is nothing to optimize, and profiling would cost a run for each shape.
        jit::f_set_graph_executor_optimize(false)?;
        self.module.method_is(method, arguments)?.try_into()
    }
}

fn tensor(tensor: &Tensor) -> IValue {
    IValue::Tensor(tensor.shallow_clone())
}

/// The same number for both sides of the picture.
fn list(number: i64) -> IValue {
    vec![number; 2].into()
}

/// The module as a file that libtorch loads.
fn archive(code: &str) -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let files = [
        ("fused/data.pkl", OBJECT),
        ("fused/code/__torch__.py", code.as_bytes()),
        ("fused/constants.pkl", CONSTANTS),
        ("fused/version", FORMAT),
    ];
    for (name, bytes) in files {
        zip.start_file(name, stored)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Code whose operators libtorch does not know, and code whose operators it knows and refuses to run.
    pub(in crate::embed) fn broken() -> [String; 2] {
        let unknown = CODE.replace("mkldnn._convolution_pointwise_(", "mkldnn._no_such_operator(");
        let failing = CODE.replace("\"add\"", "\"no such sum\"");
        assert!(unknown != CODE && failing != CODE);
        [unknown, failing]
    }

    #[test]
    fn an_operator_that_is_missing_or_fails_is_noticed_before_anything_depends_on_it() {
        if tch::utils::has_mkldnn() {
            Fused::new(Kind::Float).map(drop).unwrap();
        }
        for code in broken() {
            assert!(Fused::of(&code, Kind::Float).is_err());
        }
    }
}
