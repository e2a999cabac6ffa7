//! One attempt of a generation: which worker has it, and which of its frames are expected.

use std::{
    cmp::Ordering,
    time::{Duration, Instant},
};

use mercer_schemas::worker::{Body, Frame};

use super::route::Choice;

/// Frames that a worker may send ahead of what was read.
pub(super) const WINDOW: u32 = 64;
/// A missing frame is asked for this often at most.
const RESEND_EVERY: Duration = Duration::from_millis(250);

/// An attempt.
#[derive(Debug)]
pub(super) struct Lane {
    /// Number of the attempt.
    pub(super) attempt: u16,
    /// Where it runs.
    pub(super) choice: Choice,
    /// Output tokens that the worker began behind.
    pub(super) resumed: usize,
    /// When it was asked for.
    pub(super) sent: Instant,
    /// When its last frame came.
    pub(super) heard: Instant,
    /// The worker has begun to compute.
    pub(super) accepted: bool,
    next_seq: u32,
    credit: u32,
    asked_again: Option<Instant>,
}

/// What to do with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It is the next one: read it.
    Next,
    /// It only says that the worker lives.
    Alive,
    /// It was read already.
    Repeated,
    /// One before it is missing.
    Early,
}

impl Lane {
    /// Begins an attempt.
    pub(super) fn new(now: Instant, attempt: u16, choice: Choice, resumed: usize) -> Self {
        Self {
            attempt,
            choice,
            resumed,
            sent: now,
            heard: now,
            accepted: false,
            next_seq: 0,
            credit: WINDOW,
            asked_again: None,
        }
    }

    /// Takes a frame's place in the order.
    pub(super) fn order(&mut self, now: Instant, frame: &Frame) -> Order {
        self.heard = now;
        let keepalive = frame.body == Body::Keepalive;
        match frame.seq.cmp(&self.next_seq) {
            Ordering::Greater => Order::Early,
            _ if keepalive => Order::Alive,
            Ordering::Less => Order::Repeated,
            Ordering::Equal => {
                self.next_seq += 1;
                self.asked_again = None;
                Order::Next
            }
        }
    }

    /// Returns the first missing frame, unless it was asked for a moment ago.
    pub(super) fn ask_again(&mut self, now: Instant) -> Option<u32> {
        let lately = |asked: Instant| now.saturating_duration_since(asked) < RESEND_EVERY;
        if self.asked_again.is_some_and(lately) {
            return None;
        }
        self.asked_again = Some(now);
        Some(self.next_seq)
    }

    /// Returns up to which frame the worker may send, when it is time to tell it.
    pub(super) fn more_credit(&mut self) -> Option<u32> {
        let upto = self.next_seq.saturating_add(WINDOW);
        if upto - self.credit < WINDOW / 2 {
            return None;
        }
        self.credit = upto;
        Some(upto)
    }

    /// Forgets how long it has been silent: nothing could be heard.
    pub(super) fn stand_still(&mut self, now: Instant) {
        self.heard = now;
        self.asked_again = None;
    }

    /// Tells the credit that the worker has, for when the last message about it may be lost.
    pub(super) fn credit(&self) -> u32 {
        self.credit
    }
}
