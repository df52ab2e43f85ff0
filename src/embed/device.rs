//! What the machine has to compute with, and what is made of it.

use std::{env, thread};

use tch::Kind;

use super::{Device, ModelChoice, first_line, fused::Fused};
use crate::{
    environment::text_variable,
    error::{Error, Result},
};

/// Four pictures of 224×224 pixels.
const CACHED_PIXELS: i64 = 4 * 224 * 224;
/// Four outputs of 32 channels and half that side: eight of MobileNetV3's are quicker than four, more are not.
const CACHED_VALUES: i64 = 4 * 32 * 112 * 112;

/// Where and how a network computes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Compute {
    /// Device of the weights.
    pub(super) device: tch::Device,
    /// Precision of weights and activations.
    pub(super) kind: Kind,
}

/// Device and precision for what the user asked for.
pub(super) fn compute(choice: &ModelChoice) -> Result<Compute> {
    let device = match choice.device {
        Device::Cpu => tch::Device::Cpu,
        Device::Auto => tch::Device::cuda_if_available(),
        Device::Cuda if tch::Cuda::is_available() => tch::Device::Cuda(0),
        Device::Cuda => {
            return Err(Error::Usage(
                "libtorch sees no CUDA GPU: leave --device out, or see `lookalike doctor`".into(),
            ));
        }
    };
    let kind = match (choice.exact, device) {
        (false, tch::Device::Cuda(_)) => Kind::Half,
        (false, _) if bf16_is_faster() => Kind::BFloat16,
        _ => Kind::Float,
    };
    Ok(Compute { device, kind })
}

/// Whether this CPU multiplies bfloat16 in hardware (AVX-512 BF16, which every CPU with AMX has too).
///
/// Without it oneDNN would emulate bfloat16, slower than float32. So would it when the variables by which it and
/// libtorch are held to an older instruction set say so.
fn bf16_is_faster() -> bool {
    let allowed = |name: &str, names: &[&str]| {
        text_variable(name).is_none_or(|value| names.iter().any(|allowed| value.to_ascii_uppercase().contains(allowed)))
    };
    cpu_has_bf16()
        && allowed("ONEDNN_MAX_CPU_ISA", &["BF16", "AMX", "FP16", "DEFAULT", "ALL"])
        && allowed("DNNL_MAX_CPU_ISA", &["BF16", "AMX", "FP16", "DEFAULT", "ALL"])
        && allowed("ATEN_CPU_CAPABILITY", &["AVX512"])
}

#[cfg(target_arch = "x86_64")]
fn cpu_has_bf16() -> bool {
    std::arch::is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu_has_bf16() -> bool {
    false
}

/// Threads of the network: what was asked for, else one for each core.
pub(super) fn threads(asked: usize) -> usize {
    if asked > 0 { asked } else { thread::available_parallelism().map_or(1, usize::from) }
}

/// Pictures of that side a call, for a network none of whose steps gives more values than `widest`: few on a CPU, so that
/// the maps between its layers stay in the caches, and more where they are small, because each call has a cost of its own;
/// many on a GPU, which they should fill.
pub(super) fn batch_size(device: tch::Device, side: u32, widest: i64) -> usize {
    let side = i64::from(side);
    match device {
        tch::Device::Cpu => {
            (CACHED_PIXELS / (side * side).max(1)).max(CACHED_VALUES / widest.max(1)).clamp(1, 16) as usize
        }
        _ => 64,
    }
}

/// "CPU, bfloat16, 2 threads".
pub(super) fn described(compute: Compute, threads: usize) -> String {
    let precision = match compute.kind {
        Kind::BFloat16 => "bfloat16",
        Kind::Half => "float16",
        _ => "float32",
    };
    match compute.device {
        tch::Device::Cpu if threads == 1 => format!("CPU, {precision}, 1 thread"),
        tch::Device::Cpu => format!("CPU, {precision}, {threads} threads"),
        _ => format!("CUDA GPU, {precision}"),
    }
}

/// What a bug report needs to know of libtorch and the machine: pairs of a heading and a value.
#[must_use]
pub fn device_report() -> Vec<(&'static str, String)> {
    let choice = ModelChoice::default();
    let precision = if bf16_is_faster() { "bfloat16, float32 with --exact" } else { "float32" };
    let cuda = match (tch::Cuda::is_available(), tch::utils::has_cuda()) {
        (true, _) => format!("{} GPU(s)", tch::Cuda::device_count()),
        (false, true) => "libtorch has it, but sees no GPU".into(),
        (false, false) => "none: this is libtorch for the CPU".into(),
    };
    vec![
        ("libtorch", libtorch()),
        ("CPU features", cpu_features()),
        ("CPU precision", precision.into()),
        ("threads", threads(choice.threads).to_string()),
        ("oneDNN", if tch::utils::has_mkldnn() { "yes" } else { "no" }.into()),
        ("CPU convolutions", convolutions()),
        ("CUDA", cuda),
    ]
}

/// Which operators run a network's convolutions on this CPU, and why not the quicker ones.
fn convolutions() -> String {
    let kind = if bf16_is_faster() { Kind::BFloat16 } else { Kind::Float };
    match Fused::new(kind) {
        Ok(_) => "fused (oneDNN's operators for PyTorch's compiler)".into(),
        Err(error) => format!("plain, slower: the fused ones cannot be used ({})", first_line(&error)),
    }
}

/// The features that decide how fast a network runs on this CPU.
fn cpu_features() -> String {
    #[cfg(target_arch = "x86_64")]
    let features = {
        use std::arch::is_x86_feature_detected as has;
        [
            ("avx2", has!("avx2")),
            ("avx512f", has!("avx512f")),
            ("avx512_vnni", has!("avx512vnni")),
            ("avx512_bf16", has!("avx512bf16")),
            // The standard library cannot ask for AMX yet; Linux lists it.
            ("amx_bf16", std::fs::read_to_string("/proc/cpuinfo").is_ok_and(|text| text.contains("amx_bf16"))),
        ]
    };
    #[cfg(not(target_arch = "x86_64"))]
    let features: [(&str, bool); 0] = [];
    let present: Vec<_> = features.into_iter().filter(|(_, present)| *present).map(|(name, _)| name).collect();
    if present.is_empty() { env::consts::ARCH.into() } else { present.join(" ") }
}

/// Version and folder of the libtorch that this process runs with, where the system tells (Linux does).
fn libtorch() -> String {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let library =
        maps.lines().find_map(|line| line.split_once('/').filter(|(_, path)| path.ends_with("/libtorch_cpu.so")));
    let Some((_, path)) = library else { return "loaded".into() };
    let path = std::path::PathBuf::from(format!("/{path}"));
    let home = path.parent().and_then(std::path::Path::parent).unwrap_or(&path);
    let version = std::fs::read_to_string(home.join("build-version")).ok().or_else(|| {
        let python = std::fs::read_to_string(home.join("version.py")).ok()?;
        let line = python.lines().find(|line| line.starts_with("__version__"))?;
        Some(line.split_once('=')?.1.trim().trim_matches(['\'', '"']).to_owned())
    });
    let folder = crate::printable::printable(home);
    match version {
        Some(version) => format!("{} in {folder}", version.trim()),
        None => format!("in {folder}"),
    }
}
