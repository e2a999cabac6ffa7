//! Whether the configured models fit into the memory that is free.

use std::path::Path;

use mercer_inference::devices::{self, Device, DeviceKind};
use mercer_inference::footprint::{self, Needs};
use mercer_inference::{EngineConfig, Hardware, SplitMode};

use crate::config::{Config, ModelPlace};

/// More than this part of what is free leaves no room for the rest of the system.
const FULL_PERCENT: u64 = 90;

/// Whether the configured models fit into the memory that is free.
#[derive(Debug)]
pub(super) enum Room {
    /// They do.
    Enough(String),
    /// They do, and leave too little for anything else, or may not be kept there.
    Tight(String),
    /// They do not: loading them would end this process, or another one.
    Lacking(String),
}

impl Room {
    /// Returns what is to be reported.
    pub(super) fn finding(self) -> anyhow::Result<String> {
        match self {
            Self::Enough(text) => Ok(text),
            Self::Tight(problem) | Self::Lacking(problem) => Err(anyhow::anyhow!(problem)),
        }
    }
}

/// Compares what the configured models need with the memory that is free.
///
/// # Errors
/// When a file or a setting is wrong.
pub(super) fn room_for_models(config: &Config) -> anyhow::Result<Room> {
    let engine = config.engine();
    let chat = footprint::chat_needs(&engine)?;
    let text_model = |place| match place {
        ModelPlace::Here(file) => footprint::text_model_needs(file),
        ModelPlace::None | ModelPlace::Pool => Ok(Needs::default()),
    };
    let embedder = text_model(config.models.embedder())?;
    let reranker = text_model(config.models.reranker())?;
    let devices = devices::devices()?;
    let mut host = Vec::new();
    if chat.host.total() > 0 {
        host.push(format!("chat {}", parts(&chat.host, &engine)));
    }
    for (name, needs) in [("embedder", &embedder), ("reranker", &reranker)] {
        if needs.total() > 0 {
            host.push(format!("{name} {}", size(needs.total())));
        }
    }
    let free = devices
        .iter()
        .find(|device| device.kind == DeviceKind::Cpu)
        .map_or(0, |device| device.memory_free);
    let mut rooms = vec![room(
        "main memory",
        &host.join(", "),
        chat.host.total() + embedder.total() + reranker.total(),
        free,
    )];
    if chat.gpu.total() > 0 {
        let said = format!("chat {}", parts(&chat.gpu, &engine));
        let free = gpu_memory(&engine.hardware, &devices);
        rooms.push(room("GPU memory", &said, chat.gpu.total(), free));
    }
    if engine.hardware.mlock {
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
        rooms.extend(unlockable(&limits, chat.host.weights).map(Room::Tight));
    }
    Ok(worst(rooms, chat.cache_tokens))
}

/// Returns the worst of several findings, or all texts where all is well.
fn worst(rooms: Vec<Room>, cache_tokens: u32) -> Room {
    let mut texts = Vec::new();
    let mut tight = None;
    for room in rooms {
        match room {
            Room::Lacking(problem) => return Room::Lacking(problem),
            Room::Tight(problem) => tight = tight.or(Some(problem)),
            Room::Enough(text) => texts.push(text),
        }
    }
    texts.push(format!("the cache holds {cache_tokens} tokens"));
    tight.map_or(Room::Enough(texts.join("; ")), Room::Tight)
}

/// Compares what is needed with what is free.
fn room(what: &str, said: &str, needed: u64, free: u64) -> Room {
    let sizes = format!("{} of {} free", size(needed), size(free));
    if needed > free {
        Room::Lacking(format!(
            "the models do not fit into {what}: {said}, together {sizes}; choose a smaller model or cache \
             (models.cache_tokens, models.context_tokens, hardware.kv_keys and kv_values)"
        ))
    } else if needed > free / 100 * FULL_PERCENT {
        Room::Tight(format!(
            "the models barely fit into {what}: {said}, together {sizes}; leave more room"
        ))
    } else {
        Room::Enough(format!("{what} {sizes}: {said}"))
    }
}

/// Free memory of the GPUs that the model is put on.
fn gpu_memory(hardware: &Hardware, devices: &[Device]) -> u64 {
    let gpus = devices::usable_gpus(devices);
    match hardware.split_mode {
        SplitMode::None => gpus
            .get(hardware.main_gpu as usize)
            .map_or(0, |gpu| gpu.memory_free),
        SplitMode::Layer | SplitMode::Row => gpus.iter().map(|gpu| gpu.memory_free).sum(),
    }
}

/// Says when the system does not let this process lock a model's weights. Linux's /proc/self/limits.
fn unlockable(limits: &str, weights: u64) -> Option<String> {
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max locked memory"))?
        .split_whitespace()
        .next()?;
    // `unlimited` is no number.
    let soft: u64 = soft.parse().ok()?;
    (soft < weights).then(|| {
        format!(
            "hardware.mlock: the system lets this process lock {}, the model has {}; raise the limit (ulimit -l, or \
             LimitMEMLOCK of the service)",
            size(soft),
            size(weights)
        )
    })
}

fn parts(needs: &Needs, engine: &EngineConfig) -> String {
    format!(
        "{} (weights {}, cache {} as {}/{}, computing about {})",
        size(needs.total()),
        size(needs.weights),
        size(needs.cache),
        engine.hardware.kv_keys.name(),
        engine.hardware.kv_values.name(),
        size(needs.computing)
    )
}

/// Writes bytes so that a person can compare them.
pub(super) fn size(bytes: u64) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let mebibytes = bytes as f64 / MIB;
    if mebibytes >= 1024.0 {
        format!("{:.1} GiB", mebibytes / 1024.0)
    } else {
        format!("{mebibytes:.0} MiB")
    }
}

/// Says that a model was not loaded, because [`room_for_models`] found no room for it.
pub(super) fn not_loaded(path: &Path) -> anyhow::Error {
    anyhow::anyhow!(
        "{} was not loaded, because there is no room for it",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_told_with_both_sizes() {
        const GIB: u64 = 1 << 30;
        let room = |needed| room("main memory", "chat", needed, 10 * GIB);
        assert!(matches!(room(8 * GIB), Room::Enough(_)));
        assert!(matches!(room(19 * GIB / 2), Room::Tight(_)));
        let Room::Lacking(problem) = room(12 * GIB) else {
            panic!("12 of 10 fit");
        };
        assert!(
            problem.contains("12.0 GiB of 10.0 GiB") && problem.contains("cache_tokens"),
            "{problem}"
        );
    }

    #[test]
    fn the_worst_finding_is_the_one_that_is_told() {
        let enough = || Room::Enough("all".to_owned());
        let tight = || Room::Tight("tight".to_owned());
        let lacking = Room::Lacking("lacking".to_owned());
        assert!(matches!(
            worst(vec![enough(), enough()], 1),
            Room::Enough(_)
        ));
        assert!(matches!(worst(vec![enough(), tight()], 1), Room::Tight(_)));
        assert!(matches!(worst(vec![tight(), lacking], 1), Room::Lacking(_)));
    }

    #[test]
    fn the_gpu_that_is_used_is_the_one_that_counts() {
        let gpu = |free: u64| Device {
            name: String::new(),
            description: String::new(),
            backend: "CUDA".to_owned(),
            kind: DeviceKind::Gpu,
            memory_total: 100,
            memory_free: free,
        };
        let devices = [gpu(10), gpu(30)];
        let mut hardware = Hardware::default();
        assert_eq!(gpu_memory(&hardware, &devices), 40);
        (hardware.split_mode, hardware.main_gpu) = (SplitMode::None, 1);
        assert_eq!(gpu_memory(&hardware, &devices), 30);
    }

    #[test]
    fn a_lock_that_the_system_does_not_allow_is_found() {
        let limits = |soft: &str| {
            format!(
                "Limit  Soft Limit  Hard Limit  Units\nMax locked memory         {soft}   unlimited   bytes\n"
            )
        };
        assert_eq!(unlockable(&limits("unlimited"), u64::MAX), None);
        assert_eq!(unlockable(&limits("4096"), 4096), None);
        let problem = unlockable(&limits("65536"), 1 << 30).expect("too little");
        assert!(problem.contains("ulimit -l"), "{problem}");
    }
}
