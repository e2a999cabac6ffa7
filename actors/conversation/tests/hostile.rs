//! Whatever a customer writes, deciding on it and building what it wants stays small and quick.

use std::time::Duration;

use mercer_conversation::{Effect, Phase, State, decide, evolve, wanted};
use mercer_schemas::{
    Channel, Content, Event, Evidence, Field, Generated, Handle, InboundMessage, Input, MessageId,
    Meta, ProductId, PromptStyle, RecordKey, Settings, TurnId,
};

/// Texts that are tried.
const TEXTS: u64 = 1_000;
/// Longest of them, in bytes.
const BYTES_MAX: usize = 1024 * 1024;
/// By how much memory may grow over all of them, at its highest.
const GROWTH_BYTES_MAX: u64 = 50 * 1024 * 1024;
/// Longest that one turn may compute without a model.
const TURN_MAX: Duration = Duration::from_secs(1);

/// Draws that are the same in every run (SplitMix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % bound
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len() as u64) as usize]
    }

    /// A text of one kind that is made to be expensive, up to a length that is spread over all
    /// magnitudes.
    fn hostile(&mut self) -> String {
        let magnitude = 4 + self.below(17) as u32;
        let floor = 1_u64 << magnitude;
        let length = (floor + self.below(floor)).min(BYTES_MAX as u64) as usize;
        let kind = self.below(10);
        let mut text = String::with_capacity(length + 64);
        let mut number = self.below(1_000_000);
        while text.len() < length {
            number += 1;
            match kind {
                0 => text.push_str(&format!("{number} ")),
                1 => text.push_str(&format!("under £{number}, ")),
                2 => text.push_str(&format!("{number}a1{number}b")),
                3 => text.push_str(self.one_of(&[
                    "((",
                    "[{",
                    "}}",
                    "{{p1.price}}",
                    "\"\\",
                    "…",
                    "<|",
                ])),
                4 => {
                    text.push_str(self.one_of(&["ß", "İ", "\u{202e}", "\u{0301}", "𝟘", "中", " "]))
                }
                5 => text.push_str(self.one_of(&["a", "b", "1", "aaaaaaaaaaaaaaaa"])),
                6 => text.push_str(&format!(
                    "HB-{number} BS{} 4DJ a{number}@b.example ",
                    number % 99
                )),
                7 => text.push_str(self.one_of(&["\n", "\r\n", "under 5\n", "HB-70417\n", "x\n"])),
                8 => text.push_str(self.one_of(&[
                    "1,200 ",
                    "1.200 ",
                    "1 200 ",
                    "twenty ",
                    "five hundred and ",
                    "between ",
                    "not ",
                ])),
                _ => text.push_str(self.one_of(&[
                    "the first ",
                    "not ",
                    "over £5 ",
                    "kettle ",
                    "order ",
                    "talk to a person. ",
                    "SAVE20 ",
                    "how many ",
                    "and ",
                    "?",
                ])),
            }
        }
        text
    }
}

fn meta(at: u64) -> Meta {
    Meta {
        at_ms: 1_000 + at as i64,
        entropy: at,
        settings: Settings {
            shop_name: "Shop".into(),
            prompt_style: PromptStyle::Compact,
            history_chars_max: 6_000,
            output_tokens_max: 160,
            introduction: None,
            locale: "en-GB".to_owned(),
            hints: true,
        },
    }
}

fn written(text: &str) -> Generated {
    Generated {
        text: text.into(),
        model: "m".into(),
        prompt_sha256: String::new(),
        prompt_tokens: 1,
        cached_tokens: 0,
        output_tokens: 1,
        first_token_ms: 1,
        total_ms: 1,
    }
}

fn products() -> Vec<Evidence> {
    let product = |number: usize| {
        let key = RecordKey::Product(ProductId::new(format!("K-{number}")).expect("key"));
        Evidence::Record {
            handle: Handle::new(&key, number),
            key,
            version: 1,
            role: None,
            tool: None,
            fields: vec![
                Field::new("name", format!("Kettle {number}")),
                Field::new("price", "£45.99"),
                Field::new("stock", "in stock"),
            ],
        }
    };
    (1..4).map(product).collect()
}

fn says(number: u64, text: String) -> Input {
    Input::ReceiveMessages {
        channel: Channel::Whatsapp,
        address: "447700900001".into(),
        messages: vec![InboundMessage {
            id: MessageId::from_parts(1, u128::from(number)),
            provider_id: format!("m{number}"),
            sent_at_ms: 1,
            content: Content::Text { text: text.into() },
            cut_from_chars: None,
        }],
        terms: None,
    }
}

fn take(state: &mut State, input: &Input, at: u64) {
    let events = decide(state, input, &meta(at)).unwrap_or_default();
    *state = events.iter().fold(std::mem::take(state), evolve);
}

/// Most memory that the process held so far.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    1024 * kib.and_then(|kib| kib.parse::<u64>().ok()).expect("a size")
}

/// Plays one turn, with the largest answer that is not admitted and the smallest that is.
fn turn(state: &mut State, text: String, at: u64) -> usize {
    if at.is_multiple_of(3) && state.phase.turn().is_none() && state.origin.is_some() {
        // As a record of an older version has it: nothing was cut then.
        let event = Event::TurnStarted {
            turn: TurnId::from_parts(1, u128::from(at)),
            attempt: 0,
            words: text.into(),
            cut: false,
        };
        *state = evolve(std::mem::take(state), &event);
    } else {
        take(state, &says(at, text), at);
    }
    let mut grammar_bytes = 0;
    for _ in 0..8 {
        let Some(effect) = wanted(state, &meta(at).settings) else {
            break;
        };
        let effect_id = effect.id().clone();
        let input = match effect {
            Effect::Generate {
                grammar, question, ..
            } => {
                grammar_bytes = grammar_bytes.max(grammar.lark(&[]).len());
                let calls =
                    r#"{"calls":[{"tool":"search_catalog","query":"kettle","max_price":"5"}]}"#;
                let output = match question {
                    Some(_) => written(calls),
                    None => written(&"x".repeat(BYTES_MAX)),
                };
                Input::Generated {
                    effect: effect_id,
                    output,
                    intents: vec![],
                }
            }
            Effect::CallTools { .. } => Input::ToolsAnswered {
                effect: effect_id,
                evidence: products(),
                identified: None,
                proof: None,
            },
            Effect::CheckReply { .. } => Input::EffectFailed {
                effect: effect_id,
                cause: "deadline".into(),
            },
        };
        take(state, &input, at);
    }
    grammar_bytes
}

/// Returns how long this thread has computed; what else the machine does has no say in it.
fn computed() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("the thread's times");
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.expect("a number of nanoseconds"))
}

#[test]
fn hostile_texts_cost_little_memory_and_time() {
    let mut draws = Draws(12);
    // One turn first, so that what every process needs once is not counted.
    turn(&mut State::default(), "a kettle under £40".into(), 0);
    let before = peak_bytes();
    let mut state = State::default();
    let mut longest = Duration::ZERO;
    for number in 0..TEXTS {
        let text = draws.hostile();
        let (bytes, start) = (text.len(), text.chars().take(40).collect::<String>());
        if state.phase == Phase::WithPerson || number % 20 == 0 {
            state = State::default();
        }
        let began = computed();
        let grammar_bytes = turn(&mut state, text, number);
        let took = computed() - began;
        longest = longest.max(took);
        assert!(
            took < TURN_MAX,
            "{bytes} bytes like {start:?} took {took:?}"
        );
        assert!(
            grammar_bytes < 256 * 1024,
            "{bytes} bytes like {start:?}: {grammar_bytes}"
        );
    }
    let grown = peak_bytes() - before;
    println!(
        "memory grew by {} KiB, longest turn {longest:?}",
        grown / 1024
    );
    assert!(grown < GROWTH_BYTES_MAX, "memory grew by {grown} bytes");
}
