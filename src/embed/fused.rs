//! oneDNN's fused convolutions: convolution, bias, the sum with the shortcut and ReLU in one pass over memory, on weights
//! that are laid out for the processor once and not at every call.
//!
//! libtorch has them as operators for PyTorch's own compiler. The bindings name no such operator, but TorchScript does,
//! so a module of three one-line methods is written down here and loaded from memory.

use std::io::{Cursor, Write};

use tch::{CModule, IValue, TchError, Tensor, jit};
use zip::{CompressionMethod, ZipWriter, result::ZipResult, write::SimpleFileOptions};

use super::resnet::Convolution;

/// TorchScript's serialized form of the module.
const CODE: &str = r#"class Fused(Module):
  __parameters__ = []
  __buffers__ = []
  def pack(self: __torch__.Fused,
    weight: Tensor,
    padding: List[int],
    stride: List[int],
    input: List[int]) -> Tensor:
    return ops.mkldnn._reorder_convolution_weight(weight, padding, stride, [1, 1], 1, input)
  def convolve(self: __torch__.Fused,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    padding: List[int],
    stride: List[int],
    activation: str) -> Tensor:
    return ops.mkldnn._convolution_pointwise(x, weight, bias, padding, stride, [1, 1], 1, activation, annotate(List[Optional[number]], []), "")
  def convolve_add(self: __torch__.Fused,
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    padding: List[int],
    stride: List[int],
    sum: Tensor) -> Tensor:
    return ops.mkldnn._convolution_pointwise_(sum, x, weight, bias, padding, stride, [1, 1], 1, "add", 1., "relu", annotate(List[Optional[number]], []), "")
"#;
/// A pickled `Fused` without attributes, and an empty tuple of constants.
const OBJECT: &[u8] = b"\x80\x02c__torch__\nFused\nq\x00)\x81}b.";
const CONSTANTS: &[u8] = b"\x80\x02).";
const FORMAT: &[u8] = b"3\n";

/// The operators, ready to be called.
pub(super) struct Fused(CModule);

impl Fused {
    /// # Errors
    /// When this libtorch was built without oneDNN.
    pub(super) fn new() -> Result<Self, TchError> {
        let archive = archive().map_err(|error| TchError::Torch(error.to_string()))?;
        CModule::load_data(&mut Cursor::new(archive)).map(Self)
    }

    /// The convolution with its weights laid out for an input of the given shape.
    pub(super) fn pack(&self, conv: Convolution, input: [i64; 4]) -> Result<Convolution, TchError> {
        let arguments = [IValue::Tensor(conv.weight), list(conv.padding), list(conv.stride), input.to_vec().into()];
        Ok(Convolution { weight: self.call("pack", &arguments)?, ..conv })
    }

    /// A packed convolution of `x`, with ReLU if asked for.
    pub(super) fn convolve(&self, conv: &Convolution, x: &Tensor, relu: bool) -> Result<Tensor, TchError> {
        self.call("convolve", &arguments(conv, x, if relu { "relu" } else { "none" }.into()))
    }

    /// ReLU of a packed convolution of `x` plus `sum`, in the place of `sum`.
    pub(super) fn convolve_add(&self, conv: &Convolution, x: &Tensor, sum: &Tensor) -> Result<Tensor, TchError> {
        self.call("convolve_add", &arguments(conv, x, IValue::Tensor(sum.shallow_clone())))
    }

    fn call(&self, method: &str, arguments: &[IValue]) -> Result<Tensor, TchError> {
        // One operator a method: there is nothing to optimize, and profiling would cost a run for each shape.
        jit::f_set_graph_executor_optimize(false)?;
        self.0.method_is(method, arguments)?.try_into()
    }
}

fn arguments(conv: &Convolution, x: &Tensor, last: IValue) -> [IValue; 6] {
    let tensor = |tensor: &Tensor| IValue::Tensor(tensor.shallow_clone());
    [tensor(x), tensor(&conv.weight), tensor(&conv.bias), list(conv.padding), list(conv.stride), last]
}

/// The same number for both sides of the picture.
fn list(number: i64) -> IValue {
    vec![number; 2].into()
}

/// The module as a file that libtorch loads.
fn archive() -> ZipResult<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let files = [
        ("fused/data.pkl", OBJECT),
        ("fused/code/__torch__.py", CODE.as_bytes()),
        ("fused/constants.pkl", CONSTANTS),
        ("fused/version", FORMAT),
    ];
    for (name, bytes) in files {
        zip.start_file(name, stored)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}
