//! Which of a few texts is nearest in meaning to a question.

use crate::knowledge::{Inner, chain};

/// Returns the index of the text nearest to the question, and their cosine similarity. None without
/// an embedder or without texts; a failing embedder is logged and counts as none.
pub(crate) async fn nearest(inner: &Inner, question: &str, texts: &[&str]) -> Option<(usize, f32)> {
    let vectors = inner.projection.vectors.as_ref()?;
    let question = super::query::bounded(question, &inner.config);
    let all = [&[question], texts].concat();
    let embedded = vectors
        .embed(all.into_iter().map(str::to_owned).collect())
        .await
        .inspect_err(|error| {
            tracing::warn!(error = %chain(error), "failed to compare texts by meaning");
        })
        .ok()?;
    let (question, others) = embedded.split_first()?;
    let similarity = |v: &[f32]| v.iter().zip(question).map(|(a, b)| a * b).sum::<f32>();
    others
        .iter()
        .map(|other| similarity(other))
        .enumerate()
        .max_by(|a, b| a.1.total_cmp(&b.1))
}
