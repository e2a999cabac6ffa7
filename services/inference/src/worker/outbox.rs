//! The frames of one attempt on their way out: numbered, merged, held back without credit, kept to be sent again.
//!
//! Time is passed in and bytes come out, so that tests need no network.

use std::{
    mem,
    time::{Duration, Instant},
};

use mercer_schemas::worker::{Body, Frame, StreamId};

/// Tokens that are ready within this time after the last ones share a frame. The first ones wait for nothing.
const MERGE: Duration = Duration::from_millis(20);
/// Something is sent at least this often.
pub(super) const KEEPALIVE: Duration = Duration::from_millis(250);
/// Keeps a frame far below what one may have, whatever the tokens' text.
const TOKENS_MAX: usize = 1_024;

/// Frames of an attempt.
#[derive(Debug)]
pub(super) struct Outbox {
    stream: StreamId,
    attempt: u16,
    /// All frames so far, encoded.
    frames: Vec<Vec<u8>>,
    /// The next frame to send.
    cursor: usize,
    /// Frames that may be made.
    upto: usize,
    /// Tokens in frames, resumed ones among them.
    position: usize,
    waiting: Vec<(Vec<u32>, String)>,
    last_sent: Instant,
    /// When the last frame with tokens was made.
    last_tokens: Option<Instant>,
    starved: Option<Instant>,
    ended: bool,
}

impl Outbox {
    /// Begins an attempt behind `resumed` tokens.
    pub(super) fn new(
        now: Instant,
        stream: StreamId,
        attempt: u16,
        resumed: usize,
        credit: u32,
    ) -> Self {
        Self {
            stream,
            attempt,
            frames: Vec::new(),
            cursor: 0,
            upto: credit as usize,
            position: resumed,
            waiting: Vec::new(),
            last_sent: now,
            last_tokens: None,
            starved: None,
            ended: false,
        }
    }

    /// Adds output.
    pub(super) fn add(&mut self, tokens: Vec<u32>, text: String) {
        match self.waiting.last_mut() {
            Some((last, words)) if last.len() + tokens.len() <= TOKENS_MAX => {
                last.extend(tokens);
                words.push_str(&text);
            }
            _ => self.waiting.push((tokens, text)),
        }
    }

    /// Adds a message that needs no merging.
    pub(super) fn tell(&mut self, body: Body) {
        self.seal_all();
        self.push(body);
    }

    /// Adds the last message. It goes out with or without credit.
    pub(super) fn end(&mut self, body: Body) {
        self.tell(body);
        self.ended = true;
    }

    /// Says whether the last message was added.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Allows frames up to a number.
    pub(super) fn credit(&mut self, upto: u32) {
        self.upto = self.upto.max(upto as usize);
    }

    /// Goes back to a frame that did not arrive.
    pub(super) fn resend(&mut self, from: u32) {
        self.cursor = self.cursor.min(from as usize);
    }

    /// Returns the next frame that may go out now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Vec<u8>> {
        if !self.waiting.is_empty() {
            if self.frames.len() >= self.upto {
                self.starved.get_or_insert(now);
            } else if self.tokens_due() <= now {
                let (tokens, text) = self.waiting.remove(0);
                self.last_tokens = Some(now);
                self.push_tokens(tokens, text);
            }
        }
        if let Some(frame) = self.frames.get(self.cursor).cloned() {
            self.cursor += 1;
            self.last_sent = now;
            return Some(frame);
        }
        if !self.ended && now.saturating_duration_since(self.last_sent) >= KEEPALIVE {
            self.last_sent = now;
            return Some(self.frame(Body::Keepalive, self.position).encode());
        }
        None
    }

    /// Returns when [`Outbox::next`] has something, if nothing else happens.
    pub(super) fn due(&self) -> Instant {
        let can_send = !self.waiting.is_empty() && self.frames.len() < self.upto;
        if can_send {
            self.tokens_due()
        } else {
            self.last_sent + KEEPALIVE
        }
    }

    /// Returns when the next frame with tokens may be made.
    fn tokens_due(&self) -> Instant {
        self.last_tokens.map_or(self.last_sent, |last| last + MERGE)
    }

    /// Returns since when output waits for credit.
    pub(super) fn starved(&self) -> Option<Instant> {
        self.starved
    }

    /// Forgets how long output has waited: no credit could come.
    pub(super) fn stand_still(&mut self) {
        self.starved = None;
    }

    fn seal_all(&mut self) {
        for (tokens, text) in mem::take(&mut self.waiting) {
            self.push_tokens(tokens, text);
        }
    }

    fn push_tokens(&mut self, tokens: Vec<u32>, text: String) {
        self.starved = None;
        self.push(Body::Tokens { tokens, text });
    }

    fn push(&mut self, body: Body) {
        let first = self.position;
        if let Body::Tokens { tokens, .. } | Body::Done { tokens, .. } = &body {
            self.position += tokens.len();
        }
        let frame = self.frame(body, first);
        self.frames.push(frame.encode());
    }

    fn frame(&self, body: Body, first_token: usize) -> Frame {
        Frame {
            stream: self.stream,
            attempt: self.attempt,
            seq: self.frames.len() as u32,
            first_token: first_token as u32,
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use mercer_schemas::worker::{Refusal, Refused};

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn outbox(credit: u32) -> (Outbox, Instant) {
        let now = Instant::now();
        (Outbox::new(now, StreamId(7), 1, 2, credit), now)
    }

    fn end() -> Body {
        Body::Refused(Refused {
            refusal: Refusal::Model,
            tokens: 0,
            retry_after_ms: 0,
        })
    }

    /// Takes everything that may go out, as `seq:first+tokens`.
    fn take(outbox: &mut Outbox, now: Instant) -> Vec<String> {
        let bytes = std::iter::from_fn(|| outbox.next(now));
        bytes
            .map(|bytes| {
                let frame = Frame::decode(&bytes).unwrap();
                let kind = match &frame.body {
                    Body::Tokens { tokens, .. } => tokens.len().to_string(),
                    Body::Keepalive => "alive".to_owned(),
                    _ => "end".to_owned(),
                };
                format!("{}:{}+{kind}", frame.seq, frame.first_token)
            })
            .collect()
    }

    #[test]
    fn tokens_that_come_close_together_share_a_frame() {
        let (mut outbox, now) = outbox(64);
        outbox.add(vec![1], "a".into());
        assert_eq!(
            take(&mut outbox, now),
            ["0:2+1"],
            "the first one waits for nothing"
        );
        outbox.add(vec![2], "b".into());
        outbox.add(vec![3, 4], "c".into());
        assert!(take(&mut outbox, now + MS).is_empty());
        assert_eq!(outbox.due(), now + MERGE);
        assert_eq!(take(&mut outbox, now + MERGE), ["1:3+3"]);
        outbox.add(vec![5], "d".into());
        outbox.end(end());
        assert_eq!(take(&mut outbox, now + MERGE + MS), ["2:6+1", "3:7+end"]);
    }

    #[test]
    fn without_credit_output_waits_and_the_end_does_not() {
        let (mut outbox, now) = outbox(1);
        outbox.add(vec![1], "a".into());
        assert_eq!(take(&mut outbox, now + MERGE), ["0:2+1"]);
        outbox.add(vec![2], "b".into());
        let later = now + MERGE * 2;
        assert!(take(&mut outbox, later).is_empty());
        assert_eq!(outbox.starved(), Some(later));
        outbox.credit(2);
        assert_eq!(take(&mut outbox, later + MS), ["1:3+1"]);
        assert_eq!(outbox.starved(), None);
        outbox.add(vec![3], "c".into());
        outbox.end(end());
        assert_eq!(take(&mut outbox, later + MS), ["2:4+1", "3:5+end"]);
    }

    #[test]
    fn silence_is_broken_until_the_end_and_what_was_lost_is_sent_again() {
        let (mut outbox, now) = outbox(64);
        assert_eq!(take(&mut outbox, now + KEEPALIVE), ["0:2+alive"]);
        outbox.add(vec![1], "a".into());
        outbox.end(end());
        let later = now + KEEPALIVE * 2;
        assert_eq!(take(&mut outbox, later), ["0:2+1", "1:3+end"]);
        assert!(take(&mut outbox, later + KEEPALIVE * 9).is_empty());
        outbox.resend(1);
        assert_eq!(take(&mut outbox, later), ["1:3+end"]);
        outbox.resend(9);
        assert!(take(&mut outbox, later).is_empty());
    }

    #[test]
    fn a_frame_never_gets_large() {
        let (mut outbox, now) = outbox(64);
        for n in 0..3_000 {
            outbox.add(vec![n], "a".into());
        }
        outbox.end(end());
        assert_eq!(
            take(&mut outbox, now),
            ["0:2+1024", "1:1026+1024", "2:2050+952", "3:3002+end"]
        );
    }
}
