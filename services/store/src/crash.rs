//! Named points at which a test can end the process as `kill -9` would.
//!
//! `MERCER_CRASH_AT=turn_started:3` aborts the process when the point `turn_started` is passed for
//! the third time. Without the variable a point costs one comparison. Nothing is flushed and no
//! destructor runs, so what survives is what was committed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// Environment variable that names the point, with the number of the passage after a colon.
pub const CRASH_AT: &str = "MERCER_CRASH_AT";

struct CrashAt {
    point: String,
    passages_left: AtomicU32,
}

/// Aborts the process if a test asked for a crash here.
pub fn crash_point(name: &str) {
    static CRASH: OnceLock<Option<CrashAt>> = OnceLock::new();
    let crash = CRASH.get_or_init(|| {
        let wanted = std::env::var(CRASH_AT).ok()?;
        let (point, passage) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        let passages_left = AtomicU32::new(passage.parse().unwrap_or(1));
        Some(CrashAt {
            point: point.to_owned(),
            passages_left,
        })
    });
    if let Some(crash) = crash
        && crash.point == name
        && crash.passages_left.fetch_sub(1, Ordering::AcqRel) == 1
    {
        std::process::abort();
    }
}
