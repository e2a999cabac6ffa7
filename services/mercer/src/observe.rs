//! Logs, traces and metrics. None of them ever holds a customer's words: fields are ids, counts
//! and hashes.

mod described;

use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::config::{Config, LogFormat};

/// Bucket borders for everything measured in seconds: from half a millisecond to half a minute.
const SECONDS: [f64; 15] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Time between two upkeeps of the metrics: the exporter's own default.
const UPKEEP: Duration = Duration::from_secs(5);

/// Keeps telemetry running; dropping it sends what is left.
pub struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.provider {
            let _ = provider.shutdown();
        }
    }
}

/// Starts logs to standard error and, where configured, traces over OTLP.
///
/// # Errors
/// Names the setting that is wrong.
pub fn start(config: &Config) -> anyhow::Result<Telemetry> {
    let filter = EnvFilter::try_new(&config.log.filter)
        .with_context(|| format!("log.filter: `{}`", config.log.filter))?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log.format {
        LogFormat::Human => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let provider = if config.telemetry.otlp.is_empty() {
        None
    } else {
        Some(tracer(&config.telemetry.otlp)?)
    };
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("mercer")));
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(traces)
        .try_init()
        .context("log could not be started")?;
    Ok(Telemetry { provider })
}

fn tracer(endpoint: &str) -> anyhow::Result<SdkTracerProvider> {
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(endpoint)
        .build()
        .context("telemetry.otlp: exporter could not be built")?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("mercer").build())
        .build())
}

/// Installs the recorder behind `/metrics`, and keeps its memory bounded whether or not somebody
/// reads it. Call within the runtime.
///
/// # Errors
/// When a recorder is installed already.
pub(crate) fn metrics() -> anyhow::Result<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .context("metric buckets")?
        .install_recorder()
        .context("metrics recorder")?;
    described::describe();
    let kept = handle.clone();
    tokio::spawn(keep_up(UPKEEP, move || kept.run_upkeep()));
    Ok(handle)
}

/// Calls for ever what moves the samples of histograms into their buckets. A scrape does so too,
/// but where nobody scrapes each sample would stay until the process ends.
async fn keep_up(every: Duration, upkeep: impl Fn()) {
    let mut ticks = tokio::time::interval(every);
    loop {
        ticks.tick().await;
        upkeep();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::keep_up;

    #[tokio::test]
    async fn samples_are_taken_in_although_nobody_scrapes() {
        let (called, mut calls) = tokio::sync::mpsc::unbounded_channel();
        let upkeep = tokio::spawn(keep_up(Duration::from_millis(1), move || {
            let _ = called.send(());
        }));
        for _ in 0..3 {
            calls.recv().await.expect("called again and again");
        }
        upkeep.abort();
    }
}
