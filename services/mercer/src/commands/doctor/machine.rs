//! What this machine has to compute with.

use anyhow::ensure;
use mercer_inference::devices::{self, Device, DeviceKind};

use super::memory::size;

/// Cores and architecture.
pub(super) fn cores() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{cores} cores, {}", std::env::consts::ARCH)
}

/// The instruction sets that llama.cpp's kernels use; a finding if the processor lacks one that this program was
/// built for.
pub(super) fn kernels() -> anyhow::Result<String> {
    let missing = missing_instruction_sets();
    ensure!(
        missing.is_empty(),
        "this program was built for instructions that the processor lacks: {}; build it for this machine, see \
         docs/decisions/0001-cpu-flags.md",
        missing.join(", ")
    );
    let sets = devices::instruction_sets()?;
    let sets = sets
        .into_iter()
        .map(|(backend, sets)| format!("{backend}: {}", sets.join(" ")));
    Ok(sets.collect::<Vec<_>>().join("; "))
}

/// Returns the instruction sets that this program was built for and the processor does not have.
fn missing_instruction_sets() -> Vec<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        [
            (
                "AVX2",
                cfg!(target_feature = "avx2"),
                std::arch::is_x86_feature_detected!("avx2"),
            ),
            (
                "FMA",
                cfg!(target_feature = "fma"),
                std::arch::is_x86_feature_detected!("fma"),
            ),
            (
                "F16C",
                cfg!(target_feature = "f16c"),
                std::arch::is_x86_feature_detected!("f16c"),
            ),
            (
                "BMI2",
                cfg!(target_feature = "bmi2"),
                std::arch::is_x86_feature_detected!("bmi2"),
            ),
            (
                "AVX512F",
                cfg!(target_feature = "avx512f"),
                std::arch::is_x86_feature_detected!("avx512f"),
            ),
        ]
        .into_iter()
        .filter(|(_, built_for, has)| *built_for && !has)
        .map(|(name, ..)| name)
        .collect()
    }
    #[cfg(not(target_arch = "x86_64"))]
    Vec::new()
}

/// One line for each device that llama.cpp can use.
pub(super) fn device(device: &Device) -> String {
    let used = match device.kind {
        DeviceKind::Cpu => "processor",
        DeviceKind::Gpu => "GPU",
        DeviceKind::IntegratedGpu => "integrated GPU",
        DeviceKind::Accelerator => "accelerator",
    };
    format!(
        "{} ({used}, {}): {} free of {}",
        device.name,
        device.description,
        size(device.memory_free),
        size(device.memory_total)
    )
}
