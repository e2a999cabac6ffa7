//! What this machine and this build of llama.cpp have to compute with.

use std::{ffi::CStr, fs};

use llama_cpp_2::{LlamaBackendDeviceType, list_llama_ggml_backend_devices};

use crate::{
    Error,
    backend::{backend, creation_lock},
};

/// A device that llama.cpp can use in this build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Its name in llama.cpp, such as `CUDA0`.
    pub name: String,
    /// What its maker calls it.
    pub description: String,
    /// The backend that drives it, such as `CUDA`.
    pub backend: String,
    /// What kind of device it is.
    pub kind: DeviceKind,
    /// Bytes of its memory.
    pub memory_total: u64,
    /// Bytes of it that are free; of the processor: that can be had without swapping.
    pub memory_free: u64,
}

/// Kinds of devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceKind {
    /// The processor.
    Cpu,
    /// A GPU with memory of its own.
    Gpu,
    /// A GPU that uses the processor's memory.
    IntegratedGpu,
    /// Something that helps the processor.
    Accelerator,
}

/// Returns the devices that llama.cpp can use in this build, the processor among them.
///
/// # Errors
/// When llama.cpp does not start.
pub fn devices() -> Result<Vec<Device>, Error> {
    backend()?;
    let devices = list_llama_ggml_backend_devices().into_iter().map(|found| {
        let kind = match found.device_type {
            LlamaBackendDeviceType::Cpu => DeviceKind::Cpu,
            LlamaBackendDeviceType::Gpu => DeviceKind::Gpu,
            LlamaBackendDeviceType::IntegratedGpu => DeviceKind::IntegratedGpu,
            LlamaBackendDeviceType::Accelerator | LlamaBackendDeviceType::Unknown => {
                DeviceKind::Accelerator
            }
        };
        let free = found.memory_free as u64;
        Device {
            name: found.name,
            description: found.description,
            backend: found.backend,
            kind,
            memory_total: found.memory_total as u64,
            // llama.cpp takes all of the processor's memory for free.
            memory_free: match kind {
                DeviceKind::Cpu => host_memory().unwrap_or(free).min(free),
                _ => free,
            },
        }
    });
    Ok(devices.collect())
}

/// Returns the GPUs that share a model, in the order in which `main_gpu` counts them: those with memory of their own,
/// or else those without.
pub fn usable_gpus(devices: &[Device]) -> Vec<&Device> {
    let of = |kind| -> Vec<&Device> {
        devices
            .iter()
            .filter(|device| device.kind == kind)
            .collect()
    };
    let gpus = of(DeviceKind::Gpu);
    if gpus.is_empty() {
        of(DeviceKind::IntegratedGpu)
    } else {
        gpus
    }
}

/// Returns what the kernels of each backend in use can do, such as `("CPU", ["AVX2", "FMA"])`.
///
/// # Errors
/// When llama.cpp does not start.
pub fn instruction_sets() -> Result<Vec<(String, Vec<String>)>, Error> {
    backend()?;
    let text = {
        // llama.cpp writes the text into one buffer for the whole process.
        let _guard = creation_lock();
        #[expect(
            unsafe_code,
            reason = "llama-cpp-2 has no safe form of this function, which returns a text that is never null"
        )]
        // SAFETY: the pointer is to a static string that only another call of this function changes, and the lock
        // admits one at a time.
        let text = unsafe { CStr::from_ptr(llama_cpp_sys_2::llama_print_system_info()) };
        text.to_string_lossy().into_owned()
    };
    Ok(parse_system_info(&text))
}

/// Reads `CPU : SSE3 = 1 | AVX2 = 0 | CUDA : ARCHS = 890 | `: features that are 0 are left out.
fn parse_system_info(text: &str) -> Vec<(String, Vec<String>)> {
    let mut backends: Vec<(String, Vec<String>)> = Vec::new();
    for part in text.split('|') {
        let feature = match part.split_once(" : ") {
            Some((name, feature)) => {
                backends.push((name.trim().to_owned(), Vec::new()));
                feature
            }
            None => part,
        };
        let Some((name, value)) = feature.split_once('=') else {
            continue;
        };
        let Some((_, features)) = backends.last_mut() else {
            continue;
        };
        match (name.trim(), value.trim()) {
            (_, "0") => {}
            (name, "1") => features.push(name.to_owned()),
            (name, value) => features.push(format!("{name} {value}")),
        }
    }
    backends
}

/// Returns the bytes of main memory that can be had without swapping, or that the container still allows. Linux only.
pub fn host_memory() -> Option<u64> {
    let available = available(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let group = |file: &str| fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok();
    let allowed = match (
        group("memory.max"),
        group("memory.current"),
        group("memory.stat"),
    ) {
        (Some(max), Some(current), Some(stat)) => allowed(&max, &current, &stat),
        _ => None,
    };
    Some(allowed.map_or(available, |allowed| allowed.min(available)))
}

/// Reads `MemAvailable` of /proc/meminfo.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Returns what a control group may still take; `None` without a limit. Cached files do not count as taken.
fn allowed(max: &str, current: &str, stat: &str) -> Option<u64> {
    let max: u64 = max.trim().parse().ok()?;
    let current: u64 = current.trim().parse().ok()?;
    let cached = stat
        .lines()
        .find_map(|line| line.strip_prefix("file "))
        .and_then(|bytes| bytes.trim().parse().ok())
        .unwrap_or(0);
    Some(max.saturating_sub(current.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_processor_with_memory() {
        let devices = devices().unwrap();
        let cpu = devices
            .iter()
            .find(|device| device.kind == DeviceKind::Cpu)
            .expect("a processor");
        assert!(cpu.memory_free > 0 && cpu.memory_free <= cpu.memory_total);
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn the_kernels_use_what_the_build_was_made_for() {
        let sets = instruction_sets().unwrap();
        let (_, cpu) = sets.iter().find(|(name, _)| name == "CPU").expect("CPU");
        assert_eq!(
            cpu.iter().any(|set| set == "AVX2"),
            cfg!(target_feature = "avx2"),
            "{cpu:?}"
        );
    }

    #[test]
    fn features_that_are_off_are_left_out() {
        let text =
            "CPU : SSE3 = 1 | AVX512 = 0 | LLAMAFILE = 1 | CUDA : ARCHS = 890 | USE_GRAPHS = 1 | ";
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            parse_system_info(text),
            [
                ("CPU".to_owned(), owned(&["SSE3", "LLAMAFILE"])),
                ("CUDA".to_owned(), owned(&["ARCHS 890", "USE_GRAPHS"])),
            ]
        );
    }

    #[test]
    fn a_container_s_limit_counts_and_cached_files_do_not() {
        assert_eq!(
            available("MemTotal:  24 kB\nMemAvailable:   20 kB\n"),
            Some(20 * 1024)
        );
        assert_eq!(allowed("max\n", "5\n", ""), None);
        assert_eq!(
            allowed("1000\n", "700\n", "anon 400\nfile 300\n"),
            Some(600)
        );
        assert_eq!(allowed("1000\n", "1200\n", "file 0\n"), Some(0));
    }
}
