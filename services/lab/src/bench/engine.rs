//! `mercer-lab bench engine`: what the engine costs over bare llama.cpp, and what its shortcuts bring.
//!
//! Each comparison runs two variants in turns on the same prompts, so that whatever else the machine does falls on
//! both, and tells the median of the rounds' ratios.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{Parser, ValueEnum};
use futures::future::try_join_all;
use indicatif::{ProgressBar, ProgressStyle};
use mercer::config::Config;
use mercer_inference::{
    BareLoop, ChatMessage, ChatModel, Completion, EngineConfig, EngineCounts, Finish,
    GenerateRequest, Grammar, LlamaEngine, Priority, Role, Tokenizer,
};
use serde::Serialize;

use super::inference::prose::{Measure, Prose};

/// Allows every text, and must be asked for each token all the same.
const ANY_TEXT: &str = "start: /(.|\\n)*/";
/// Tokens of a plain prompt: few, so that writing is what is measured.
const PLAIN_PROMPT: u32 = 32;
/// Tokens of the rules, the question and the product texts that a grounded answer is written from.
const GROUNDED_PROMPT: (u32, u32, u32) = (200, 40, 500);

/// Compare the engine with a bare llama.cpp loop, and with itself without grammars and drafts.
#[derive(Parser)]
#[command(after_help = "\
Examples:
  mercer-lab bench engine
      the configured chat model
  mercer-lab models random --like qwen2.5-0.5b --out q.gguf && mercer-lab bench engine --model q.gguf --slots 4 --threads 2
      a real size; with random weights texts repeat themselves, so drafts are right more often than in earnest
  mercer-lab models random --like qwen2.5-0.5b --quotes --out qq.gguf && mercer-lab bench engine --model qq.gguf --compare drafts
      a model that quotes its prompt, as grounded answers do

A ratio above 1 means that the first of the two is quicker. Keys of --json: docs/benchmarks.md.")]
pub(crate) struct EngineArgs {
    /// What is compared, separated by commas; everything if left out.
    #[arg(long, value_enum, value_delimiter = ',')]
    compare: Vec<Comparison>,
    /// Model file, GGUF; the configured chat model if left out.
    #[arg(long)]
    model: Option<PathBuf>,
    /// Conversations computed at once. As configured if left out.
    #[arg(long)]
    slots: Option<u32>,
    /// Threads of llama.cpp; 0 chooses. As configured if left out.
    #[arg(long)]
    threads: Option<u32>,
    /// Times that each variant runs.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// Tokens of each answer.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(8..=4096))]
    tokens: u32,
    /// The same seed asks the same.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON: one object a line, one line a comparison.
    #[arg(long)]
    json: bool,
}

/// Two variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Comparison {
    /// The engine against a bare loop that computes the same batches.
    Bare,
    /// A grammar that allows everything against none.
    Grammar,
    /// Drafts against none, for one grounded answer at a time.
    Drafts,
    /// Drafts against none, for as many grounded answers at once as there are slots.
    DraftsCrowd,
}

/// What a comparison found. The keys are documented in `docs/benchmarks.md`.
#[derive(Debug, Serialize)]
struct Report {
    compare: &'static str,
    model: String,
    seed: u64,
    concurrency: usize,
    rounds: usize,
    /// Median of the rounds' ratios of tokens a second, the first to the second.
    ratio: f64,
    ratio_min: f64,
    ratio_max: f64,
    /// Median tokens a second of the first.
    tokens_per_s: f64,
    /// Median tokens a second of the second.
    baseline_tokens_per_s: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    drafted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drafts_right: Option<u64>,
}

/// Runs the command.
///
/// # Errors
/// When the model cannot be loaded or an answer fails.
pub(crate) async fn run(config: &Config, args: EngineArgs) -> anyhow::Result<ExitCode> {
    let comparisons = if args.compare.is_empty() {
        Comparison::value_variants().to_vec()
    } else {
        args.compare.clone()
    };
    let bench = tokio::task::spawn_blocking({
        let config = args.engine(config);
        let (seed, tokens) = (args.seed, args.tokens);
        move || Bench::load(config, seed, tokens)
    })
    .await??;
    for comparison in comparisons {
        let report = bench.compare(comparison, args.rounds).await?;
        if args.json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            println!("{}\n", report.table());
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl EngineArgs {
    fn engine(&self, config: &Config) -> EngineConfig {
        let mut engine = config.engine();
        if let Some(model) = &self.model {
            engine.model = model.clone();
        }
        engine.slots = self.slots.unwrap_or(engine.slots);
        engine.threads = self.threads.unwrap_or(engine.threads);
        engine
    }
}

/// The variants, loaded side by side.
struct Bench {
    plain: LlamaEngine,
    drafting: LlamaEngine,
    bare: Arc<BareLoop>,
    tokenizer: Arc<Tokenizer>,
    slots: usize,
    seed: u64,
    tokens: u32,
}

impl Bench {
    fn load(config: EngineConfig, seed: u64, tokens: u32) -> anyhow::Result<Self> {
        let without = EngineConfig {
            drafts: 0,
            ..config.clone()
        };
        let load = |config: EngineConfig| {
            LlamaEngine::load(config).context("chat model could not be loaded")
        };
        let bench = Self {
            tokenizer: Arc::new(Tokenizer::load(&config.model)?),
            slots: config.slots as usize,
            bare: Arc::new(BareLoop::load(without.clone())?),
            plain: load(without)?,
            drafting: load(config)?,
            seed,
            tokens,
        };
        let (rules, question, evidence) = GROUNDED_PROMPT;
        let needed = rules + question + evidence + tokens + 64;
        let has = bench.plain.info().n_ctx;
        ensure!(
            has >= needed,
            "the model holds {has} tokens of a conversation and {needed} are needed; ask for fewer --tokens"
        );
        Ok(bench)
    }

    async fn compare(&self, comparison: Comparison, rounds: u32) -> anyhow::Result<Report> {
        let bar = ProgressBar::new(u64::from(rounds));
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:32}] {pos}/{len} {elapsed}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(comparison.name());
        let before = self.drafting.counts();
        let mut pairs = Vec::new();
        for round in 0..rounds {
            // Who goes first changes from round to round.
            let (first, second) = if round % 2 == 0 {
                let first = self.rate(comparison, true, round).await?;
                (first, self.rate(comparison, false, round).await?)
            } else {
                let second = self.rate(comparison, false, round).await?;
                (self.rate(comparison, true, round).await?, second)
            };
            pairs.push((first, second));
            bar.inc(1);
        }
        bar.finish_and_clear();
        let ratios = sorted(pairs.iter().map(|(first, second)| first / second));
        let after = self.drafting.counts();
        let drafts = |count: fn(&EngineCounts) -> u64| {
            comparison.drafts().then(|| count(&after) - count(&before))
        };
        Ok(Report {
            compare: comparison.name(),
            model: self.plain.info().label(),
            seed: self.seed,
            concurrency: self.concurrency(comparison),
            rounds: pairs.len(),
            ratio: median(&ratios),
            ratio_min: ratios[0],
            ratio_max: ratios[ratios.len() - 1],
            tokens_per_s: median(&sorted(pairs.iter().map(|pair| pair.0))),
            baseline_tokens_per_s: median(&sorted(pairs.iter().map(|pair| pair.1))),
            drafted: drafts(|counts| counts.drafted),
            drafts_right: drafts(|counts| counts.drafts_right),
        })
    }

    fn concurrency(&self, comparison: Comparison) -> usize {
        match comparison {
            Comparison::Drafts => 1,
            _ => self.slots,
        }
    }

    /// Returns the tokens a second of one variant in one round.
    async fn rate(&self, comparison: Comparison, first: bool, round: u32) -> anyhow::Result<f64> {
        let asks = self.asks(comparison, round);
        match (comparison, first) {
            (Comparison::Bare, false) => self.bare_rate(asks).await,
            (Comparison::Bare, true) | (Comparison::Grammar, false) => {
                self.wall_rate(&self.plain, asks, None).await
            }
            (Comparison::Grammar, true) => self.wall_rate(&self.plain, asks, Some(ANY_TEXT)).await,
            (Comparison::Drafts, with) => {
                let engine = if with { &self.drafting } else { &self.plain };
                let mut spent = Vec::new();
                for ask in asks {
                    let done = self.answer(engine, ask, None).await?;
                    spent.push((done.tokens.len(), done.timings.decode_ms / 1_000.0));
                }
                let (tokens, seconds) = spent
                    .iter()
                    .fold((0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
                Ok(tokens as f64 / seconds)
            }
            (Comparison::DraftsCrowd, with) => {
                let engine = if with { &self.drafting } else { &self.plain };
                self.wall_rate(engine, asks, None).await
            }
        }
    }

    /// Invents the questions of a round.
    fn asks(&self, comparison: Comparison, round: u32) -> Vec<Vec<ChatMessage>> {
        let seed = self.seed.wrapping_mul(1_000) + u64::from(round);
        let measure = Measure::Tokens(self.tokenizer.clone());
        let mut prose = Prose::new(seed, measure, 1.0);
        (0..self.slots)
            .map(|_| {
                if !comparison.drafts() {
                    let question = prose.question(PLAIN_PROMPT, PLAIN_PROMPT);
                    return vec![ChatMessage::new(Role::User, question)];
                }
                let (rules, question, evidence) = GROUNDED_PROMPT;
                vec![
                    ChatMessage::new(Role::System, prose.rules(rules)),
                    ChatMessage::new(Role::User, prose.question(question, question)),
                    ChatMessage::new(Role::Tool, prose.evidence(evidence)),
                ]
            })
            .collect()
    }

    async fn wall_rate(
        &self,
        engine: &LlamaEngine,
        asks: Vec<Vec<ChatMessage>>,
        grammar: Option<&str>,
    ) -> anyhow::Result<f64> {
        let began = Instant::now();
        let answers = asks
            .into_iter()
            .map(|ask| self.answer(engine, ask, grammar));
        let done = try_join_all(answers).await?;
        let tokens: usize = done.iter().map(|done| done.tokens.len()).sum();
        Ok(tokens as f64 / began.elapsed().as_secs_f64())
    }

    async fn answer(
        &self,
        engine: &LlamaEngine,
        messages: Vec<ChatMessage>,
        grammar: Option<&str>,
    ) -> anyhow::Result<Completion> {
        let request = GenerateRequest {
            request_id: "bench".to_owned(),
            // None: nothing is kept from one round to the next.
            conversation_key: String::new(),
            adapter: None,
            messages,
            resume: Vec::new(),
            grammar: grammar.map(|grammar| Grammar::Lark(grammar.to_owned())),
            max_tokens: self.tokens,
            temperature: 0.0,
            top_p: 1.0,
            deadline: Duration::from_secs(3_600),
            priority: Priority::Interactive,
        };
        let done = engine.generate(request).await?.complete().await?;
        if done.tokens.is_empty() {
            bail!("the model ended its answer before the first token; choose another --seed");
        }
        Ok(done)
    }

    async fn bare_rate(&self, asks: Vec<Vec<ChatMessage>>) -> anyhow::Result<f64> {
        let prompts = asks
            .iter()
            .map(|ask| self.tokenizer.prompt_tokens(ask))
            .collect::<Result<Vec<_>, _>>()?;
        // A model may end its answers early: the bare loop then writes as many tokens of each, the end among them.
        let answers = asks
            .into_iter()
            .map(|ask| self.answer(&self.plain, ask, None));
        let done = try_join_all(answers).await?;
        let all: usize = done.iter().map(|done| done.tokens.len()).sum();
        let lengths: Vec<usize> = done
            .iter()
            .map(|done| done.tokens.len() + usize::from(done.finish == Finish::Stop))
            .collect();
        let bare = self.bare.clone();
        let took = tokio::task::spawn_blocking(move || bare.run(&prompts, &lengths)).await??;
        Ok(all as f64 / took.as_secs_f64())
    }
}

impl Comparison {
    fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Grammar => "grammar",
            Self::Drafts => "drafts",
            Self::DraftsCrowd => "drafts-crowd",
        }
    }

    fn drafts(self) -> bool {
        matches!(self, Self::Drafts | Self::DraftsCrowd)
    }
}

impl Report {
    fn table(&self) -> String {
        let what = match self.compare {
            "bare" => "engine / bare loop",
            "grammar" => "a grammar / none",
            _ => "drafts / none",
        };
        let mut out = format!(
            "{what}, {} at once, {} rounds\n  ratio           {:.3} (from {:.3} to {:.3})\n  tokens a second {:.1} / {:.1}",
            self.concurrency,
            self.rounds,
            self.ratio,
            self.ratio_min,
            self.ratio_max,
            self.tokens_per_s,
            self.baseline_tokens_per_s
        );
        if let (Some(drafted), Some(right)) = (self.drafted, self.drafts_right) {
            out += &format!("\n  drafted         {drafted} tokens, {right} of them right");
        }
        out
    }
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// Returns the middle of sorted numbers, of which there is at least one.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        (sorted[middle - 1] + sorted[middle]) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use mercer_random_model::{RandomModel, write_random_model};

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_comparison_runs_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("random.gguf");
        write_random_model(&path, &RandomModel::default()).unwrap();
        let config = EngineConfig {
            n_ctx: 2048,
            slots: 2,
            ..EngineConfig::for_testing(&path)
        };
        let bench = Bench::load(config, 1, 8).unwrap();
        for comparison in Comparison::value_variants() {
            let report = bench.compare(*comparison, 2).await.unwrap();
            assert!(report.ratio > 0.0 && report.ratio.is_finite(), "{report:?}");
            assert_eq!(report.drafted.is_some(), comparison.drafts());
            assert!(report.ratio_min <= report.ratio && report.ratio <= report.ratio_max);
        }
    }

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[1.0, 2.0, 9.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[1.0, 2.0, 4.0, 9.0]) - 3.0).abs() < 1e-9);
    }
}
