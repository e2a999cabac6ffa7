//! Progress bars on the terminal, or none.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Where progress is shown.
#[derive(Debug, Clone)]
pub struct Progress(MultiProgress);

impl Progress {
    /// Shows bars on standard error where that is a terminal.
    pub fn bars() -> Self {
        Self(MultiProgress::with_draw_target(ProgressDrawTarget::stderr()))
    }

    /// Shows nothing.
    pub fn hidden() -> Self {
        Self(MultiProgress::with_draw_target(ProgressDrawTarget::hidden()))
    }

    /// Adds a bar that counts to `total`, or a spinner with a count when the total is unknown.
    pub fn bar(&self, what: &str, total: Option<u64>) -> ProgressBar {
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{prefix:>12} [{bar:32}] {human_pos}/{human_len} {eta}",
            ),
            None => (
                ProgressBar::new_spinner(),
                "{prefix:>12} {spinner} {human_pos}",
            ),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_prefix(what.to_owned());
        let bar = self.0.add(bar);
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}
