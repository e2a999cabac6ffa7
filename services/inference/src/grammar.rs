//! Compiles grammars into matchers, on a thread of its own.
//!
//! Nothing a grammar holds may end the process: llguidance's panics are caught, its work is bounded by its fuel
//! limits, and deep recursion by the size and nesting limits here together with the thread's large stack. Nothing is
//! compiled for a caller that waits no longer.

use std::{panic::AssertUnwindSafe, thread};

use llguidance::{Matcher, ParserFactory, api::TopLevelGrammar, panic_utils};
use sha2::{Digest, Sha256};
use tokio::sync::{mpsc, oneshot};
use toktrie::TokEnv;

use crate::{Error, Grammar, GrammarFault};

/// Larger grammars are refused; ours are a few kilobytes.
const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// Rules that may refer to one another; the compiler recurses along them.
const LINES_MAX: usize = 4096;
/// Brackets that may be open at once; the compiler recurses into them.
const NESTING_MAX: usize = 200;
/// The same, counting brackets in strings too: a quote inside a pattern can hide real ones from the first count.
const NESTING_RAW_MAX: usize = 4000;
/// Holds the recursion that the limits above allow, with room to spare. Only what is touched takes memory.
const STACK_BYTES: usize = 256 << 20;
/// Compiled grammars kept for requests that repeat one.
const CACHED_MAX: usize = 32;
/// Grammars that may wait; callers beyond them wait for a place. A large one takes some tens of milliseconds.
const QUEUE: usize = 16;

struct Ask {
    grammar: Grammar,
    answer: oneshot::Sender<Result<Matcher, GrammarFault>>,
}

/// Compiles grammars for one vocabulary.
pub(crate) struct GrammarCompiler {
    asks: mpsc::Sender<Ask>,
}

impl GrammarCompiler {
    /// Starts the thread.
    pub(crate) fn start(tok_env: &TokEnv) -> Result<Self, Error> {
        let mut factory = ParserFactory::new_simple(tok_env)
            .map_err(|error| Error::Decode(format!("prepare grammars: {error}")))?;
        factory.quiet();
        // Error texts would quote what was generated so far.
        factory.limits_mut().verbose_errors = false;
        let (asks, mut inbox) = mpsc::channel::<Ask>(QUEUE);
        thread::Builder::new()
            .name("mercer-grammar".to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let mut cache = Cache::new(factory);
                while let Some(ask) = inbox.blocking_recv() {
                    cache.answer(ask);
                }
            })
            .map_err(|error| Error::Decode(format!("start the grammar thread: {error}")))?;
        Ok(Self { asks })
    }

    /// Compiles a grammar within the limits, or copies it from the ones that were compiled before. Dropped before its end,
    /// it leaves nothing to compile.
    pub(crate) async fn compile(&self, grammar: Grammar) -> Result<Matcher, Error> {
        let (answer, answered) = oneshot::channel();
        self.asks
            .send(Ask { grammar, answer })
            .await
            .map_err(|_| Error::Stopped)?;
        answered
            .await
            .map_err(|_| Error::Stopped)?
            .map_err(Error::Grammar)
    }
}

/// The grammars that were compiled last.
struct Cache {
    factory: ParserFactory,
    /// Those used longest ago first.
    compiled: Vec<([u8; 32], Matcher)>,
}

impl Cache {
    fn new(factory: ParserFactory) -> Self {
        Self {
            factory,
            compiled: Vec::new(),
        }
    }

    fn answer(&mut self, Ask { grammar, answer }: Ask) {
        if answer.is_closed() {
            return;
        }
        // The caller may have gone away meanwhile.
        let _ = answer.send(self.matcher(&grammar));
    }

    fn matcher(&mut self, grammar: &Grammar) -> Result<Matcher, GrammarFault> {
        let key = key(grammar);
        let known = self.compiled.iter().position(|(known, _)| *known == key);
        let entry = match known {
            Some(known) => self.compiled.remove(known),
            None => (key, compile(&self.factory, grammar)?),
        };
        if self.compiled.len() >= CACHED_MAX {
            self.compiled.remove(0);
        }
        let matcher = entry.1.deep_clone();
        self.compiled.push(entry);
        Ok(matcher)
    }
}

fn compile(factory: &ParserFactory, grammar: &Grammar) -> Result<Matcher, GrammarFault> {
    let refused = |error: anyhow::Error| GrammarFault::new("it is not valid", error.to_string());
    panic_utils::catch_unwind(AssertUnwindSafe(|| {
        let top = match grammar {
            Grammar::Lark(source) => TopLevelGrammar::from_lark(source.clone()),
            Grammar::JsonSchema(source) => {
                TopLevelGrammar::from_json_schema(serde_json::from_str(source)?)
            }
        };
        let mut matcher = Matcher::new(factory.create_parser(top));
        if let Some(error) = matcher.get_error() {
            anyhow::bail!(error);
        }
        // A grammar that allows nothing at its start would fail at the first token: better now.
        let trial = matcher.deep_clone().compute_mask_or_eos()?;
        anyhow::ensure!(!trial.is_zero(), "it allows no first token");
        let _ = matcher.grammar_warnings();
        Ok(matcher)
    }))
    .map_err(refused)
}

fn key(grammar: &Grammar) -> [u8; 32] {
    let (kind, source) = match grammar {
        Grammar::Lark(source) => (b'l', source),
        Grammar::JsonSchema(source) => (b'j', source),
    };
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(source.as_bytes());
    hash.finalize().into()
}

/// Checks what can be told without compiling.
///
/// # Errors
/// Says which limit the grammar is over.
pub(crate) fn check_limits(grammar: &Grammar) -> Result<(), GrammarFault> {
    let (Grammar::Lark(source) | Grammar::JsonSchema(source)) = grammar;
    if source.len() > SOURCE_BYTES_MAX {
        return Err(GrammarFault::new("it is larger than 256 KiB", ""));
    }
    if source.lines().count() > LINES_MAX {
        return Err(GrammarFault::new("it has more than 4096 lines", ""));
    }
    if nesting(source, true) > NESTING_MAX || nesting(source, false) > NESTING_RAW_MAX {
        return Err(GrammarFault::new("it nests brackets deeper than 200", ""));
    }
    Ok(())
}

/// Returns the deepest nesting of brackets, leaving out those in quoted strings if asked to.
fn nesting(source: &str, skip_strings: bool) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0usize, 0usize, false, false);
    for byte in source.bytes() {
        if escaped {
            escaped = false;
            continue;
        }
        match byte {
            b'\\' => escaped = true,
            // A string does not run over the end of its line, so an odd quote in a pattern does no lasting harm.
            b'\n' => quoted = false,
            b'"' if skip_strings => quoted = !quoted,
            b'(' | b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b')' | b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use toktrie::ApproximateTokEnv;

    use super::*;

    fn cache() -> Cache {
        let factory = ParserFactory::new_simple(&ApproximateTokEnv::single_byte_env()).unwrap();
        Cache::new(factory)
    }

    fn lark(word: &str) -> Grammar {
        Grammar::Lark(format!("start: \"{word}\""))
    }

    #[test]
    fn nothing_is_compiled_for_a_caller_that_has_gone() {
        let mut cache = cache();
        let (answer, answered) = oneshot::channel();
        drop(answered);
        let grammar = lark("gone");
        cache.answer(Ask { grammar, answer });
        assert!(cache.compiled.is_empty());
        let (answer, mut answered) = oneshot::channel();
        let grammar = lark("there");
        cache.answer(Ask { grammar, answer });
        assert!(answered.try_recv().unwrap().is_ok());
        assert_eq!(cache.compiled.len(), 1);
    }

    #[test]
    fn the_grammars_used_longest_ago_give_way() {
        let mut cache = cache();
        for n in 0..CACHED_MAX + 1 {
            cache.matcher(&lark("first")).unwrap();
            cache.matcher(&lark(&format!("word {n}"))).unwrap();
        }
        assert_eq!(cache.compiled.len(), CACHED_MAX);
        let keys: Vec<[u8; 32]> = cache.compiled.iter().map(|(key, _)| *key).collect();
        assert!(keys.contains(&key(&lark("first"))));
        assert!(!keys.contains(&key(&lark("word 0"))));
    }

    #[tokio::test]
    async fn no_more_grammars_wait_than_there_is_room_for_and_none_for_a_caller_that_gave_up() {
        // Nobody takes them out: the thread is at one that takes long.
        let (asks, inbox) = mpsc::channel(QUEUE);
        let compiler = GrammarCompiler { asks };
        for _ in 0..3 * QUEUE {
            let asked = compiler.compile(lark("word"));
            let asked = tokio::time::timeout(Duration::from_millis(1), asked).await;
            assert!(asked.is_err(), "nobody answers");
        }
        assert_eq!(inbox.len(), QUEUE);
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(nesting(r#"start: "(((((" ("a" | ("b"))"#, true), 2);
        assert_eq!(nesting(&format!("start: {}", "(".repeat(999)), true), 999);
        assert_eq!(
            nesting(&format!("start: /\"/ {}", "(".repeat(999)), false),
            999
        );
    }

    #[test]
    fn a_grammar_over_a_limit_is_refused_before_it_is_compiled() {
        for source in [
            "a".repeat(SOURCE_BYTES_MAX + 1),
            "\n".repeat(LINES_MAX + 1),
            format!("start: {}\"a\"{}", "(".repeat(201), ")".repeat(201)),
        ] {
            assert!(check_limits(&Grammar::Lark(source)).is_err());
        }
    }
}
