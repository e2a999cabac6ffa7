//! The requests of each workload, invented from a seed. Not here: when they are sent (`drive`).
//!
//! History is scripted: what the assistant said before is the workload's own text, never the model's, so every
//! target gets the same prompts.

use std::time::Duration;

use clap::ValueEnum;
use mercer_inference::{ChatMessage, Role};
use rand::{Rng, rngs::StdRng};

use super::super::counted;
use super::plan;
use super::prose::Prose;
use super::target::{Ask, CancelAt};

/// Time after which a request of a closed loop counts as lost.
const PATIENCE: Duration = Duration::from_secs(600);
/// Streaming chats of W3 and W7.
pub(super) const STREAMS: usize = 8;
/// Chats that one client can finish in a second at most; a faster target runs out of them and ends early.
const CHATS_PER_S: usize = 4;
/// Shops whose customers write in W6.
const SHOPS: usize = 4;
/// Tokens that a chat template puts around a message, with room to spare.
const MARKUP: u32 = 12;
/// A cancel by time comes within this; long enough to reach into the reply on a fast machine.
const CANCEL_MS_MAX: u64 = 500;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(super) enum Workload {
    /// New chats at the same time that share a system prompt of 1,500 tokens.
    W1,
    /// Conversations of several turns, more than there are slots, that return after Zipf-distributed times.
    W2,
    /// Chats that stream long answers while a prompt of 4,000 tokens arrives every few seconds.
    W3,
    /// Answers grounded in product texts, one at a time, then as many as there are slots.
    W4,
    /// Plans as JSON by a schema.
    W5,
    /// Arrivals at random, whether or not the last ones are answered, with deadlines.
    W6,
    /// A worker of a pool is killed while it writes.
    W7,
    /// As W2, but a third of the requests is cancelled at a random time.
    W8,
    /// Embeddings beside chats of several turns.
    W9,
}

/// How much of each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amounts {
    /// Requests of W1, W4 and W5.
    pub(super) requests: usize,
    /// Conversations of W2, W8 and W9.
    pub(super) conversations: usize,
    /// Turns of each of them.
    pub(super) turns: u32,
    /// Seconds of W3, W6 and W7.
    pub(super) seconds: u32,
    /// Requests a second in W6.
    pub(super) rate: f64,
    /// Time that a request of W6 may take.
    pub(super) deadline: Duration,
}

impl Workload {
    /// Returns its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1",
            Self::W2 => "W2",
            Self::W3 => "W3",
            Self::W4 => "W4",
            Self::W5 => "W5",
            Self::W6 => "W6",
            Self::W7 => "W7",
            Self::W8 => "W8",
            Self::W9 => "W9",
        }
    }

    /// Returns how much all lengths are multiplied with so that its longest request fits into a context: 1 or less.
    pub(super) fn scale(self, amounts: &Amounts, context_tokens: Option<u32>) -> f64 {
        let turns = amounts.turns.max(1);
        let (longest, messages) = match self {
            Self::W1 => (1500 + 60 + 32, 2),
            Self::W7 => (300 + 60 + counted::TOKENS_MAX, 2),
            Self::W2 | Self::W8 | Self::W9 => (600 + turns * 100 + 48, 2 * turns),
            Self::W3 => (4000 + 16, 2),
            Self::W4 => (300 + 60 + 600 + 128, 3),
            Self::W5 => (400 + 60 + plan::TOKENS_MAX, 2),
            Self::W6 => (600 + 60 + 48, 2),
        };
        let Some(context) = context_tokens else {
            return 1.0;
        };
        let markup = (messages + 1) * MARKUP;
        let room = f64::from(context.saturating_sub(markup));
        // Tokens counted word by word are not quite those of the whole.
        let scale = room * 0.95 / f64::from(longest);
        if scale >= 1.0 {
            1.0
        } else {
            (scale * 1000.0).floor().max(1.0) / 1000.0
        }
    }
}

/// Builds the requests of one measurement. `run` tells measurements of one process apart.
pub(super) struct Builder {
    prose: Prose,
    run: String,
    made: usize,
}

impl Builder {
    pub(super) fn new(prose: Prose, run: String) -> Self {
        Self {
            prose,
            run,
            made: 0,
        }
    }

    /// W1: the same rules, another question each.
    pub(super) fn new_chats(&mut self, count: usize) -> Vec<Ask> {
        let rules = system(self.prose.rules(1500));
        (0..count)
            .map(|number| {
                let messages = vec![rules.clone(), user(self.prose.question(20, 60))];
                self.ask(number, messages, 32)
            })
            .collect()
    }

    /// W2: each turn's prompt is the last one, the scripted answer, and a new question. In order of arrival.
    pub(super) fn conversations(&mut self, count: usize, turns: u32) -> Vec<Ask> {
        let rules = system(self.prose.rules(600));
        let mut arrivals: Vec<(usize, Ask)> = Vec::new();
        for conversation in 0..count {
            let mut messages = vec![rules.clone()];
            // Conversations begin one after the other, and each returns after a few or many other requests.
            let mut place = conversation * 3;
            for _ in 0..turns {
                messages.push(user(self.prose.question(20, 45)));
                arrivals.push((place, self.ask(conversation, messages.clone(), 48)));
                messages.push(assistant(self.prose.answer(25, 50)));
                place += 1 + zipf(self.prose.rng(), count);
            }
        }
        // Stable, so the turns of a conversation stay in order.
        arrivals.sort_by_key(|(place, _)| *place);
        arrivals.into_iter().map(|(_, ask)| ask).collect()
    }

    /// W3: chats that stream long answers, and the long prompts that come between them.
    pub(super) fn streams_and_long_prompts(
        &mut self,
        seconds: u32,
        every: Duration,
    ) -> (Vec<Ask>, Vec<(Duration, Ask)>) {
        let rules = system(self.prose.rules(300));
        let streams = (0..STREAMS * seconds.max(1) as usize * CHATS_PER_S)
            .map(|number| {
                let messages = vec![rules.clone(), user(self.prose.question(20, 60))];
                self.ask(number, messages, 256)
            })
            .collect();
        let every = every.max(Duration::from_millis(1));
        let count = (f64::from(seconds) / every.as_secs_f64()).ceil() as usize;
        let long = (0..count)
            .map(|number| {
                let messages = vec![
                    system(self.prose.rules(3940)),
                    user(self.prose.question(20, 60)),
                ];
                let ask = self.ask(1_000_000 + number, messages, 16);
                // The first one comes when the chats have begun to stream.
                (every.mul_f64(number as f64 + 0.5), ask)
            })
            .collect();
        (streams, long)
    }

    /// W4: a question, product texts, and an answer that would quote them.
    pub(super) fn grounded(&mut self, count: usize) -> Vec<Ask> {
        let rules = system(self.prose.rules(300));
        (0..count)
            .map(|number| {
                let messages = vec![
                    rules.clone(),
                    user(self.prose.question(20, 60)),
                    ChatMessage::new(Role::Tool, self.prose.evidence(600)),
                ];
                self.ask(number, messages, 128)
            })
            .collect()
    }

    /// W5: plans.
    pub(super) fn plans(&mut self, count: usize) -> Vec<Ask> {
        let rules = system(self.prose.rules(400));
        (0..count)
            .map(|number| {
                let messages = vec![rules.clone(), user(self.prose.question(20, 60))];
                let ask = self.ask(number, messages, plan::TOKENS_MAX);
                // A plan that is cut short is no plan, so its limit is not scaled.
                Ask {
                    schema: Some(plan::SCHEMA),
                    output_max: plan::TOKENS_MAX,
                    ..ask
                }
            })
            .collect()
    }

    /// W6: Poisson arrivals of new chats at a few shops.
    pub(super) fn arrivals(&mut self, amounts: &Amounts) -> Vec<(Duration, Ask)> {
        let shops: Vec<ChatMessage> = (0..SHOPS).map(|_| system(self.prose.rules(600))).collect();
        let mut at = Duration::ZERO;
        let mut arrivals = Vec::new();
        loop {
            let uniform: f64 = self.prose.rng().random();
            at += Duration::from_secs_f64(-(1.0 - uniform).ln() / amounts.rate);
            if at >= Duration::from_secs(amounts.seconds.into()) {
                return arrivals;
            }
            let shop = self.prose.rng().random_range(0..SHOPS);
            let messages = vec![shops[shop].clone(), user(self.prose.question(20, 60))];
            let ask = self.ask(arrivals.len(), messages, 48);
            let deadline = amounts.deadline;
            arrivals.push((at, Ask { deadline, ..ask }));
        }
    }

    /// W7: chats that each write a text whose every piece can be missed.
    pub(super) fn counted(&mut self, seconds: u32) -> Vec<Ask> {
        let rules = system(self.prose.rules(300));
        (0..STREAMS * seconds.max(1) as usize * CHATS_PER_S)
            .map(|number| {
                let messages = vec![rules.clone(), user(self.prose.question(20, 60))];
                let ask = self.ask(number, messages, counted::TOKENS_MAX);
                // A text that is cut short says nothing, so its limit is not scaled.
                Ask {
                    lark: Some(counted::grammar()),
                    output_max: counted::TOKENS_MAX,
                    ..ask
                }
            })
            .collect()
    }

    /// W8: decides for a third of requests when they are cancelled: half of them by time, half within their text.
    pub(super) fn cancel_a_third(&mut self, asks: &mut [Ask]) {
        let rng = self.prose.rng();
        for ask in asks {
            if rng.random_range(0..3) > 0 {
                continue;
            }
            ask.cancel_at = Some(if rng.random() {
                CancelAt::Time(Duration::from_millis(rng.random_range(0..CANCEL_MS_MAX)))
            } else {
                CancelAt::Text(rng.random_range(1..=ask.output_max))
            });
        }
    }

    /// W9: texts to embed, as long as a passage of a policy.
    pub(super) fn passages(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.prose.rules(60)).collect()
    }

    fn ask(&mut self, conversation: usize, messages: Vec<ChatMessage>, output: u32) -> Ask {
        self.made += 1;
        Ask {
            id: format!("{}-{}", self.run, self.made),
            conversation: format!("{}-c{conversation}", self.run),
            messages,
            output_max: self.prose.tokens(output),
            schema: None,
            lark: None,
            deadline: PATIENCE,
            cancel_at: None,
            tokens: Vec::new(),
        }
    }
}

fn system(text: String) -> ChatMessage {
    ChatMessage::new(Role::System, text)
}

fn user(text: String) -> ChatMessage {
    ChatMessage::new(Role::User, text)
}

fn assistant(text: String) -> ChatMessage {
    ChatMessage::new(Role::Assistant, text)
}

/// Draws from 1 to `max`, where each number is drawn half as often as one of half its size.
fn zipf(rng: &mut StdRng, max: usize) -> usize {
    let weight = |number: usize| 1.0 / number as f64;
    let total: f64 = (1..=max).map(weight).sum();
    let mut left = rng.random::<f64>() * total;
    for number in 1..max {
        left -= weight(number);
        if left < 0.0 {
            return number;
        }
    }
    max
}

#[cfg(test)]
mod tests {
    use super::super::prose::Measure;
    use super::*;

    const AMOUNTS: Amounts = Amounts {
        requests: 4,
        conversations: 5,
        turns: 3,
        seconds: 20,
        rate: 5.0,
        deadline: Duration::from_secs(10),
    };

    fn builder(seed: u64) -> Builder {
        Builder::new(Prose::new(seed, Measure::Bytes, 1.0), "t".to_owned())
    }

    #[test]
    fn a_later_turn_begins_with_the_earlier_one() {
        let asks = builder(1).conversations(5, 3);
        assert_eq!(asks.len(), 15);
        for number in 0..5 {
            let key = format!("t-c{number}");
            let turns: Vec<&Ask> = asks.iter().filter(|ask| ask.conversation == key).collect();
            assert_eq!(turns.len(), 3);
            for pair in turns.windows(2) {
                assert_eq!(pair[1].messages.len(), pair[0].messages.len() + 2);
                assert!(pair[1].messages.starts_with(&pair[0].messages));
            }
        }
    }

    #[test]
    fn the_same_seed_asks_the_same() {
        let texts = |seed| -> Vec<String> {
            let asks = builder(seed).new_chats(3);
            asks.into_iter()
                .map(|ask| ask.messages[1].content.clone())
                .collect()
        };
        assert_eq!(texts(1), texts(1));
        assert_ne!(texts(1), texts(2));
    }

    #[test]
    fn arrivals_come_at_about_the_rate() {
        let arrivals = builder(1).arrivals(&AMOUNTS);
        assert!((60..140).contains(&arrivals.len()), "{}", arrivals.len());
        assert!(arrivals.is_sorted_by_key(|(at, _)| *at));
    }

    #[test]
    fn long_prompts_come_every_so_often() {
        let every = Duration::from_secs(5);
        let (streams, long) = builder(1).streams_and_long_prompts(20, every);
        assert!(streams.len() >= STREAMS);
        let times: Vec<f64> = long.iter().map(|(at, _)| at.as_secs_f64()).collect();
        assert_eq!(times, [2.5, 7.5, 12.5, 17.5]);
    }

    #[test]
    fn a_workload_is_scaled_only_where_it_does_not_fit() {
        assert_eq!(Workload::W1.scale(&AMOUNTS, None), 1.0);
        assert_eq!(Workload::W1.scale(&AMOUNTS, Some(2048)), 1.0);
        let scale = Workload::W3.scale(&AMOUNTS, Some(1024));
        assert!((0.2..0.25).contains(&scale), "{scale}");
    }

    #[test]
    fn zipf_draws_small_numbers_most() {
        let mut prose = Prose::new(1, Measure::Bytes, 1.0);
        let draws: Vec<usize> = (0..1000).map(|_| zipf(prose.rng(), 40)).collect();
        assert!(draws.iter().all(|draw| (1..=40).contains(draw)));
        let ones = draws.iter().filter(|draw| **draw == 1).count();
        assert!((150..350).contains(&ones), "{ones}");
    }
}
