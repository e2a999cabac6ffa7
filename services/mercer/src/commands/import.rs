//! `mercer import`: a shop's files into the database and the indexes.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use clap::{Parser, ValueEnum};
use indicatif::ProgressBar;
use mercer_import::{Error, Faults, OnError, import_shop};
use mercer_knowledge::{Knowledge, Progress};
use mercer_schemas::ShopId;

use crate::compose::Base;
use crate::config::Config;

/// Import a shop's files: catalog, policies, customers, orders.
///
/// FOLDER holds shop.toml and any of catalog.jsonl, catalog.csv, policies/*.md, customers.jsonl and
/// orders.jsonl; a single file can be named too, with --shop. Existing records are replaced.
#[derive(Parser)]
pub(crate) struct Args {
    /// Folder or file.
    path: PathBuf,
    /// The shop, where the folder has no shop.toml.
    #[arg(long)]
    shop: Option<ShopId>,
    /// What to do about a broken record: import nothing, or leave it out.
    #[arg(long, value_enum, default_value = "abort")]
    on_error: OnErrorArg,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnErrorArg {
    Abort,
    Skip,
}

/// Imports and indexes.
///
/// # Errors
/// Names every broken line.
pub(crate) async fn run(config: &Config, args: Args) -> anyhow::Result<ExitCode> {
    let base = Base::open(config).await?;
    let on_error = match args.on_error {
        OnErrorArg::Abort => OnError::Abort,
        OnErrorArg::Skip => OnError::Skip,
    };
    let bars = Arc::new(Bars::new());
    let report = match import_shop(&args.path, &base.store, args.shop, on_error, bars).await {
        Ok(report) => report,
        Err(Error::Broken(lines)) => {
            print_lines(&lines);
            eprintln!("nothing was imported; mend the lines above, or use --on-error skip");
            return Ok(ExitCode::FAILURE);
        }
        Err(error) => return Err(error.into()),
    };
    print_lines(&report.skipped);
    index(&base.knowledge).await?;
    let counts = &report.counts;
    println!(
        "{}: {} products with {} variants, {} documents, {} customers, {} orders; {} records left out",
        report.shop,
        counts.products,
        counts.variants,
        counts.documents,
        counts.customers,
        counts.orders,
        report.skipped.count()
    );
    Ok(ExitCode::SUCCESS)
}

/// Shows an import's parts as bars on the terminal, one below the other.
pub(crate) struct Bars {
    all: Progress,
    current: Mutex<Option<ProgressBar>>,
}

impl Bars {
    /// Shows none yet.
    pub(crate) fn new() -> Self {
        Self {
            all: Progress::bars(),
            current: Mutex::new(None),
        }
    }

    fn finish(&self) {
        if let Ok(mut current) = self.current.lock()
            && let Some(bar) = current.take()
        {
            bar.finish();
        }
    }
}

impl mercer_import::Progress for Bars {
    fn begin(&self, part: &str, units: u64) {
        self.finish();
        let bar = self.all.bar(part, Some(units));
        if let Ok(mut current) = self.current.lock() {
            *current = Some(bar);
        }
    }

    fn advance(&self, units: u64) {
        if let Ok(current) = self.current.lock()
            && let Some(bar) = &*current
        {
            bar.inc(units);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Brings the indexes up to date, saying so while it takes long.
///
/// # Errors
/// When an index cannot be written.
pub(crate) async fn index(knowledge: &Knowledge) -> anyhow::Result<()> {
    let spinner = indicatif::ProgressBar::new_spinner().with_message("indexing what changed");
    spinner.enable_steady_tick(std::time::Duration::from_millis(120));
    let done = knowledge.catch_up().await;
    spinner.finish_and_clear();
    Ok(done?)
}

fn print_lines(faults: &Faults) {
    for line in faults.first() {
        eprintln!("{line}");
    }
    match faults.more() {
        0 => {}
        more => eprintln!("and {more} more broken lines"),
    }
}
