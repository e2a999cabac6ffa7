//! What a step has computed: tokens are chosen, guesses checked, and generations end.

use llguidance::Matcher;

use super::batch::Part;
use crate::{
    Error, Finish,
    engine::{core::EngineCore, sampling},
    prompt::common_prefix,
};

/// Where a generation stands after a token.
pub(super) enum After {
    Continue,
    End(Finish),
    Fail(Error),
}

impl EngineCore<'_> {
    /// Takes in what was computed for a slot: its certain tokens, then as many guesses as agree with what the logits
    /// choose, and the token behind them.
    pub(super) fn settle(&mut self, part: Part) -> After {
        let Part {
            slot,
            certain,
            drafts,
            chooses,
            row,
        } = part;
        let seq = self.slots[slot].seq;
        self.sequences.tokens_mut(seq).extend(&certain);
        if self.slots[slot].is_writing() {
            self.slots[slot].pending.drain(..certain.len());
        }
        if !chooses {
            return After::Continue;
        }
        if !self.slots[slot].opened {
            self.keep_rules(slot);
            self.open(slot);
        }
        let mut right = 0;
        let after = loop {
            let after = self.take_token(slot, row + right as i32);
            let pending = &mut self.slots[slot].pending;
            let agree = common_prefix(pending, &drafts[right..]);
            self.sequences
                .tokens_mut(seq)
                .extend(pending.drain(..agree));
            right += agree;
            if !matches!(after, After::Continue) || self.slots[slot].is_writing() {
                break after;
            }
        };
        if !drafts.is_empty() {
            self.check_off(slot, drafts.len(), right);
        }
        after
    }

    /// Notes how many guesses were right and takes the others out of the cache.
    fn check_off(&mut self, slot: usize, drafted: usize, right: usize) {
        let seq = self.slots[slot].seq;
        if right < drafted {
            let length = self.sequences.tokens(seq).len();
            let cut = self
                .context
                .clear_kv_cache_seq(Some(seq as u32), Some(length as u32), None);
            if !matches!(cut, Ok(true)) {
                self.compute_again(slot);
            }
        }
        if let Some(drafts) = &mut self.slots[slot].job.drafts {
            drafts.learn(drafted, right, &mut self.acceptance);
        }
        for (kind, tokens) in [("drafted", drafted), ("right", right)] {
            metrics::counter!("mercer_inference_drafts_total", "kind" => kind)
                .increment(tokens as u64);
        }
        self.monitor.count(|counts| {
            counts.drafted += drafted as u64;
            counts.drafts_right += right as u64;
        });
    }

    /// Lets a slot compute all its tokens again, because the model's cache could not be cut though it was said to: nothing is
    /// drafted, cut or shared any more.
    fn compute_again(&mut self, slot: usize) {
        tracing::error!(
            "the model's cache cannot be cut back: no more drafts, shared rules or reused starts"
        );
        self.can_cut = false;
        let seq = self.slots[slot].seq;
        self.clear(seq);
        let mut again = std::mem::take(self.sequences.tokens_mut(seq));
        let pending = &mut self.slots[slot].pending;
        again.append(pending);
        *pending = again;
    }

    /// Tells the output tokens that the prompt held already, once it is computed.
    fn open(&mut self, slot: usize) {
        let slot = &mut self.slots[slot];
        let opening = slot.open();
        self.monitor
            .count(|counts| counts.forced += opening.len() as u64);
        for (token, bytes) in opening {
            slot.push(token, &bytes);
        }
    }

    /// Chooses a slot's next token from logits and takes it in, with those that the grammar forces behind it.
    fn take_token(&mut self, index: usize, logits: i32) -> After {
        let slot = &mut self.slots[index];
        let at = slot.tokens.len();
        let broken = || After::Fail(Error::Matcher { token: at });
        let logits = self.context.get_logits_ith(logits);
        let vocabulary = &self.vocabulary;
        let choose = |allowed| {
            sampling::choose(
                logits,
                allowed,
                slot.job.temperature,
                slot.job.top_p,
                || sampling::point(&slot.job.request_id, at),
            )
        };
        let chosen = match &mut slot.job.matcher {
            None => choose(&vocabulary.free_text),
            Some(matcher) => {
                // The likeliest of all tokens is the likeliest of the allowed ones wherever it is allowed: asking for
                // one token is much quicker than finding all that are.
                let likeliest = (slot.job.temperature <= 0.0)
                    .then(|| choose(&vocabulary.free_text))
                    .flatten()
                    .filter(|&token| allows(matcher, token, vocabulary.is_end(token)));
                match likeliest {
                    Some(token) => Some(token),
                    None => match matcher.compute_mask_or_eos() {
                        Ok(mask) => choose(&mask),
                        Err(_) => return broken(),
                    },
                }
            }
        };
        let Some(token) = chosen else { return broken() };
        if vocabulary.is_end(token) {
            return After::End(Finish::Stop);
        }
        let mut added = vec![token];
        if let Some(matcher) = &mut slot.job.matcher {
            if matcher.consume_token(token).is_err() {
                return broken();
            }
            if !matcher.is_stopped() {
                added.extend(matcher.consume_ff_tokens());
            }
            if matcher.is_error() {
                return broken();
            }
        }
        let left = slot.job.max_tokens - slot.tokens.len();
        let whole = added.len() <= left;
        added.truncate(left);
        for &token in &added {
            if let Some(pause) = slot.push(token, vocabulary.piece(token)) {
                self.monitor.note_stall(pause);
            }
            slot.pending.push(token as i32);
        }
        if let Some(drafts) = &mut slot.job.drafts {
            drafts.extend(&slot.pending[slot.pending.len() - added.len()..]);
        }
        self.monitor
            .count(|counts| counts.forced += added.len() as u64 - 1);
        if let Some(matcher) = slot.job.matcher.as_ref().filter(|_| whole)
            && matcher.is_stopped()
        {
            return if matcher.stop_reason().is_ok() {
                After::End(Finish::Stop)
            } else {
                broken()
            };
        }
        let held = self.sequences.tokens(slot.seq).len() + slot.pending.len();
        if slot.tokens.len() >= slot.job.max_tokens || held >= self.config.n_ctx as usize {
            return After::End(Finish::Length);
        }
        After::Continue
    }
}

/// Tells whether a grammar allows a token next.
fn allows(matcher: &mut Matcher, token: u32, ends: bool) -> bool {
    if ends {
        matcher.is_accepting().unwrap_or(false)
    } else {
        matcher
            .validate_tokens(&[token])
            .is_ok_and(|valid| valid == 1)
    }
}
