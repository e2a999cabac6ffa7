//! Reranking: a model in this process that reads a query and a document together and says how well they go together.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use llama_cpp_2::{model::LlamaModel, token::LlamaToken};

use crate::{
    Error, Reranker,
    backend::text_threads,
    hardware::Hardware,
    model_file::{self, fault},
    text_model::{Shape, Task, TextModel, plain_tokens},
};

/// Key of the template that some rerankers have.
const TEMPLATE: &str = "tokenizer.chat_template.rerank";
const QUERY: &str = "{query}";
const DOCUMENT: &str = "{document}";

/// A reranker that runs in this process.
pub struct LlamaReranker {
    id: String,
    threads: u32,
    model: TextModel<Ranking>,
}

impl LlamaReranker {
    /// Loads a reranker and ranks a word as a check. `threads` 0 takes one for each four cores, or one in all for a model
    /// of less than 100 million parameters. Blocks, so call it outside of async code.
    ///
    /// # Errors
    /// [`Error::ModelFile`] names the file, what is wrong and what to do.
    pub fn load(path: impl AsRef<Path>, threads: u32) -> Result<Self, Error> {
        const OTHER: &str = "choose a reranker in GGUF format, converted with its ranking head";
        let path = path.as_ref();
        let wrong = |problem: String| fault(path, problem, OTHER);
        let file = model_file::load(path, &Hardware::default())?;
        let shape = Shape::ranking(&file.model).map_err(wrong)?;
        let id = format!("{}@{}", file.name, &file.sha256[..12]);
        let threads = text_threads(threads.min(512), file.model.n_params());
        let task = Ranking::of(&file.model).map_err(wrong)?;
        let trial = Pair {
            query: "check".into(),
            document: "check".to_owned(),
        };
        let model = TextModel::start("mercer-rerank", file.model, shape, threads, task, trial)
            .map_err(wrong)?;
        tracing::info!(reranker.id = id, threads, "reranker is loaded");
        Ok(Self { id, threads, model })
    }

    /// Returns how many threads it computes with.
    pub fn threads(&self) -> u32 {
        self.threads
    }
}

#[async_trait]
impl Reranker for LlamaReranker {
    fn id(&self) -> &str {
        &self.id
    }

    async fn scores(&self, query: &str, documents: Vec<String>) -> Result<Vec<f32>, Error> {
        let query: Arc<str> = query.into();
        let pairs = documents.into_iter().map(|document| Pair {
            query: query.clone(),
            document,
        });
        self.model.compute(pairs.collect()).await
    }
}

struct Pair {
    query: Arc<str>,
    document: String,
}

/// What stands around a query and a document.
#[derive(Debug, PartialEq)]
struct Ranking {
    before: Vec<LlamaToken>,
    between: Vec<LlamaToken>,
    after: Vec<LlamaToken>,
}

impl Ranking {
    /// Reads the model's template, or takes `[BOS] query [EOS] [SEP] document [EOS]` by what its vocabulary adds.
    fn of(model: &LlamaModel) -> Result<Self, String> {
        let vocab = model.vocab();
        if let Ok(template) = model.meta_val_str(TEMPLATE) {
            let [before, between, after] = parts(&template).ok_or_else(|| {
                format!("its template `rerank` does not hold {QUERY} and then {DOCUMENT}")
            })?;
            let tokens = |text: &str| vocab.tokenize(text.as_bytes(), false, true);
            return Ok(Self {
                before: tokens(before),
                between: tokens(between),
                after: tokens(after),
            });
        }
        let eos = match vocab.eos() {
            LlamaToken(eos) if eos < 0 => vocab.sep(),
            eos => eos,
        };
        let given = |added: bool, token: LlamaToken| (added && token.0 >= 0).then_some(token);
        let bos = given(vocab.should_add_bos(), vocab.bos());
        let eos = given(vocab.should_add_eos(), eos);
        let sep = given(vocab.should_add_sep(), vocab.sep());
        Ok(Self {
            before: bos.into_iter().collect(),
            between: eos.into_iter().chain(sep).collect(),
            after: eos.into_iter().collect(),
        })
    }
}

/// Divides a template at its two places.
fn parts(template: &str) -> Option<[&str; 3]> {
    let (before, rest) = template.split_once(QUERY)?;
    let (between, after) = rest.split_once(DOCUMENT)?;
    Some([before, between, after])
}

impl Task for Ranking {
    type Input = Pair;
    type Output = f32;

    /// A long query leaves half of the room to the document, which is cut at its end. Neither can bring special tokens.
    fn tokens(&self, model: &LlamaModel, pair: &Pair, max: usize) -> Vec<LlamaToken> {
        let fixed = self.before.len() + self.between.len() + self.after.len();
        let room = max.saturating_sub(fixed);
        let mut query = plain_tokens(model, &pair.query);
        query.truncate(room / 2);
        let mut document = plain_tokens(model, &pair.document);
        document.truncate(room - query.len());
        let mut tokens = [&self.before, &query, &self.between, &document, &self.after]
            .map(Vec::as_slice)
            .concat();
        tokens.truncate(max);
        tokens
    }

    fn read(&self, numbers: &[f32]) -> Result<f32, Error> {
        match numbers.first() {
            Some(score) if score.is_finite() => Ok(*score),
            _ => Err(Error::Decode("the score is no number".to_owned())),
        }
    }

    fn note(&self, texts: usize, took: Duration) {
        metrics::counter!("mercer_inference_documents_ranked_total").increment(texts as u64);
        metrics::histogram!("mercer_inference_rerank_seconds").record(took.as_secs_f64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_divided_at_query_and_document() {
        let template = "<q>{query}</q><d>{document}</d>";
        assert_eq!(parts(template), Some(["<q>", "</q><d>", "</d>"]));
        assert_eq!(parts("{document} {query}"), None);
        assert_eq!(parts("{{ messages }}"), None);
    }
}
