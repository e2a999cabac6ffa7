//! Callers that ask without a break: conversations of a few turns, half of them under a grammar that counts.

use std::sync::Arc;
use std::time::Duration;

use mercer_inference::{
    ChatMessage, ChatModel, Completion, Error, GenerateRequest, Grammar, Priority, Role, Tokenizer,
    WorkerPool,
};
use rand::Rng;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::counted;
use super::super::inference::prose::{Measure, Prose};
use super::check::{Verdict, follow};

/// Turns of a conversation.
const TURNS: usize = 3;

/// Asks a pool.
pub(super) struct Callers {
    pub(super) pool: Arc<WorkerPool>,
    pub(super) tokenizer: Arc<Tokenizer>,
    pub(super) seed: u64,
    pub(super) deadline: Duration,
    pub(super) stop: CancellationToken,
}

/// A request and what became of it.
pub(super) struct Followed {
    request: GenerateRequest,
    pub(super) verdict: Verdict,
    /// Longest time between two pieces of its text.
    pub(super) pause: Duration,
}

impl Followed {
    /// Returns the tokens of a whole reply.
    pub(super) fn tokens(&self) -> Option<&Vec<u32>> {
        match &self.verdict {
            Verdict::Whole(completion) => Some(&completion.tokens),
            _ => None,
        }
    }

    /// Asks another model for the same, from some of its tokens on.
    ///
    /// # Errors
    /// As the model says.
    pub(super) async fn undisturbed(
        &self,
        model: &dyn ChatModel,
        resume: Vec<u32>,
    ) -> Result<Completion, Error> {
        let request = GenerateRequest {
            resume,
            deadline: Duration::from_secs(600),
            ..self.request.clone()
        };
        model.generate(request).await?.complete().await
    }
}

impl Callers {
    /// Asks by so many callers until told to stop; requests that run then are read to their end.
    ///
    /// # Errors
    /// When a caller ends with a panic.
    pub(super) async fn run(self: Arc<Self>, count: usize) -> anyhow::Result<Vec<Followed>> {
        let mut tasks = JoinSet::new();
        for number in 0..count {
            tasks.spawn(self.clone().ask(number as u64));
        }
        let mut all = Vec::new();
        while let Some(some) = tasks.join_next().await {
            all.extend(some?);
        }
        Ok(all)
    }

    async fn ask(self: Arc<Self>, caller: u64) -> Vec<Followed> {
        let seed = self.seed.wrapping_mul(1_000) + caller;
        let measure = Measure::Tokens(self.tokenizer.clone());
        let rules = Prose::new(self.seed, measure.clone(), 1.0).rules(100);
        let mut prose = Prose::new(seed, measure, 1.0);
        let mut all = Vec::new();
        let mut messages = Vec::new();
        for number in 0.. {
            if self.stop.is_cancelled() {
                break;
            }
            if number % TURNS == 0 {
                messages = vec![ChatMessage::new(Role::System, rules.clone())];
            }
            messages.push(ChatMessage::new(Role::User, prose.question(5, 20)));
            let conversation = format!("{}-{caller}-{}", self.seed, number / TURNS);
            let request = GenerateRequest {
                request_id: format!("{}-{caller}-{number}", self.seed),
                conversation_key: conversation,
                adapter: None,
                messages: messages.clone(),
                resume: Vec::new(),
                grammar: prose
                    .rng()
                    .random::<bool>()
                    .then(|| Grammar::Lark(counted::grammar())),
                max_tokens: counted::TOKENS_MAX,
                temperature: if prose.rng().random() { 0.8 } else { 0.0 },
                top_p: 0.95,
                deadline: self.deadline,
                priority: Priority::Interactive,
            };
            let (verdict, pause) = follow(&*self.pool, &self.tokenizer, request.clone()).await;
            if let Verdict::Refused(_) = verdict {
                // Nobody would ask again in the same moment.
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            messages.push(ChatMessage::new(Role::Assistant, prose.answer(5, 10)));
            all.push(Followed {
                request,
                verdict,
                pause,
            });
        }
        all
    }
}
