//! The log as turns: what a customer wrote, what was made of it, and what happened outside of turns. Prompts, tokens and
//! timings are not here; the timeline has them.

use mercer_schemas::{
    ActionBy, Claim, CustomerId, DeliveryStatus, DraftSource, Event, Evidence, HandoffReason,
    IdentityEnd, Input, Intent, LogBody, LogRecord, MessageId, OutboundMessage, Personal, Plan,
    TurnId, Verdict,
};

/// A conversation's log, or a part of it, folded record by record.
#[derive(Default)]
pub struct Turns {
    /// The turns, oldest first.
    pub turns: Vec<Turn>,
    /// What happened outside of turns, oldest first.
    pub steps: Vec<Step>,
}

/// A customer's message or burst, and what was made of it.
pub struct Turn {
    /// The turn.
    pub turn: TurnId,
    /// How often it began anew because a message came in while it ran.
    pub restarts: u32,
    /// When it began, UTC milliseconds.
    pub started_at_ms: i64,
    /// When it ended, UTC milliseconds; none while it runs.
    pub ended_at_ms: Option<i64>,
    /// The customer's words.
    pub words: Personal<String>,
    /// The intents that the first calls were narrowed to; empty where they were not.
    pub intents: Vec<Intent>,
    /// The calls of all rounds, in order; none while nothing was called.
    pub plan: Option<Plan>,
    /// What all rounds found, in order.
    pub evidence: Vec<Evidence>,
    /// Replies that were written, the last one being the newest.
    pub drafts: Vec<Draft>,
    /// What was sent, usually one message.
    pub replies: Vec<Sent>,
}

/// A reply as written, with references unfilled.
pub struct Draft {
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// Where it came from.
    pub source: DraftSource,
    /// The text.
    pub text: Personal<String>,
    /// What the rules said where they blocked it; empty where they did not.
    pub blocked_by: Vec<Verdict>,
}

/// A message to the customer.
pub struct Sent {
    /// The message.
    pub message: MessageId,
    /// When it was put into the outbox, UTC milliseconds.
    pub queued_at_ms: i64,
    /// What the customer reads.
    pub content: OutboundMessage,
    /// What the rules said.
    pub verdicts: Vec<Verdict>,
    /// Where every value in the text came from.
    pub claims: Vec<Claim>,
    /// How far it got; none before the platform took it.
    pub delivery: Option<DeliveryStatus>,
}

/// Something that happened outside of a turn.
pub struct Step {
    /// Position in the conversation's log.
    pub seq: u64,
    /// When, UTC milliseconds.
    pub at_ms: i64,
    /// What happened.
    pub what: What,
}

/// What happened outside of a turn.
pub enum What {
    /// A person was called.
    HandedOver {
        /// Why.
        reason: HandoffReason,
    },
    /// A person took the conversation.
    TakenOver {
        /// Who.
        by: ActionBy,
    },
    /// A message that no turn caused: a person's answer, or a notice.
    Message {
        /// The message.
        sent: Sent,
    },
    /// The conversation went back to Mercer.
    HandedBack {
        /// Who gave it back.
        by: ActionBy,
    },
    /// The customer proved who they are.
    Identified {
        /// The customer.
        customer: CustomerId,
    },
    /// What proved who the customer is does not hold any more.
    IdentityEnded {
        /// Why.
        cause: IdentityEnd,
    },
    /// Inputs were set aside after repeated failures.
    Quarantined {
        /// Their places in the inbox.
        inbox_ids: Vec<i64>,
    },
}

impl Turns {
    /// Takes the log's next record. What follows from an input is in its events; of the input itself only the intents
    /// are kept, which no event has.
    pub fn take(&mut self, record: &LogRecord) {
        match &record.body {
            LogBody::Input {
                input: Input::Generated { intents, .. } | Input::PlanGenerated { intents, .. },
                ..
            } if !intents.is_empty() => {
                // They are those of the turn that runs, and of no other.
                let running = self
                    .turns
                    .last_mut()
                    .filter(|turn| turn.ended_at_ms.is_none());
                if let Some(turn) = running {
                    turn.intents.clone_from(intents);
                }
            }
            LogBody::Input { .. } => {}
            LogBody::Event { event } => self.apply(record, event),
        }
    }

    /// Returns all messages to the customer: those of turns, then those that no turn caused.
    pub fn sent(&self) -> impl Iterator<Item = &Sent> {
        let in_turns = self.turns.iter().flat_map(|turn| &turn.replies);
        let in_steps = self.steps.iter().filter_map(|step| match &step.what {
            What::Message { sent } => Some(sent),
            _ => None,
        });
        in_turns.chain(in_steps)
    }

    fn apply(&mut self, record: &LogRecord, event: &Event) {
        let at_ms = record.at_ms;
        match event {
            Event::TurnStarted {
                turn,
                attempt,
                words,
                cut: _,
            } => self.start(at_ms, turn, *attempt, words),
            Event::TurnExtended {
                turn,
                attempt,
                words,
                cut: _,
            } => {
                let known = self.running(turn);
                let before = known.map_or("", |place| self.turns[place].words.expose());
                let all = format!("{before}\n{}", words.expose());
                self.start(at_ms, turn, *attempt, &Personal::new(all.trim().to_owned()));
            }
            Event::PlanMade { turn, plan } => {
                self.in_turn(turn, |t| {
                    let calls = &mut t.plan.get_or_insert_default().calls;
                    calls.extend(plan.calls.iter().cloned());
                });
            }
            Event::EvidenceGathered { turn, evidence } => {
                self.in_turn(turn, |t| t.evidence.extend(evidence.iter().cloned()));
            }
            Event::ReplyDrafted {
                turn,
                draft,
                source,
            } => self.in_turn(turn, |t| {
                t.drafts.push(Draft {
                    at_ms,
                    source: *source,
                    text: draft.clone(),
                    blocked_by: Vec::new(),
                });
            }),
            Event::ReplyBlocked { turn, verdicts } => self.in_turn(turn, |t| {
                if let Some(draft) = t.drafts.last_mut() {
                    draft.blocked_by.clone_from(verdicts);
                }
            }),
            Event::ReplyQueued {
                turn,
                message,
                content,
                verdicts,
                claims,
            } => {
                let sent = Sent {
                    message: message.clone(),
                    queued_at_ms: at_ms,
                    content: content.clone(),
                    verdicts: verdicts.clone(),
                    claims: claims.clone(),
                    delivery: None,
                };
                match turn {
                    Some(turn) => self.in_turn(turn, |t| t.replies.push(sent)),
                    None => self.step(record, What::Message { sent }),
                }
            }
            Event::TurnEnded { turn, .. } => {
                self.in_turn(turn, |t| t.ended_at_ms = Some(at_ms));
            }
            Event::DeliveryUpdated { message, status } => self.deliver(message, *status),
            Event::HandedOver { reason } => self.step(record, What::HandedOver { reason: *reason }),
            Event::TakenOver { by } => self.step(record, What::TakenOver { by: by.clone() }),
            Event::HandedBack { by } => self.step(record, What::HandedBack { by: by.clone() }),
            Event::CustomerIdentified { customer, .. } => {
                let customer = customer.clone();
                self.step(record, What::Identified { customer });
            }
            Event::InputQuarantined { inbox_ids } => {
                let inbox_ids = inbox_ids.clone();
                self.step(record, What::Quarantined { inbox_ids });
            }
            Event::IdentityEnded { cause } => {
                self.step(record, What::IdentityEnded { cause: *cause });
            }
            Event::ConversationStarted { .. }
            | Event::TermsLearnt { .. }
            | Event::MessageReceived { .. }
            | Event::ProofTried { .. }
            | Event::HistoryCompacted { .. } => {}
        }
    }

    /// Begins a turn, or begins it anew: what the earlier attempt found no longer counts.
    fn start(&mut self, at_ms: i64, turn: &TurnId, attempt: u32, words: &Personal<String>) {
        let known = self.running(turn);
        let started_at_ms = known.map_or(at_ms, |place| self.turns[place].started_at_ms);
        let begun = Turn {
            turn: turn.clone(),
            restarts: attempt,
            started_at_ms,
            ended_at_ms: None,
            words: words.clone(),
            intents: Vec::new(),
            plan: None,
            evidence: Vec::new(),
            drafts: Vec::new(),
            replies: Vec::new(),
        };
        match known {
            Some(place) => self.turns[place] = begun,
            None => self.turns.push(begun),
        }
    }

    /// Returns the place of a turn that runs. What has ended never begins anew, so nothing before it
    /// is looked at.
    fn running(&self, turn: &TurnId) -> Option<usize> {
        let last_first = self.turns.iter().enumerate().rev();
        last_first
            .take_while(|(_, known)| known.ended_at_ms.is_none())
            .find(|(_, known)| known.turn == *turn)
            .map(|(place, _)| place)
    }

    fn in_turn(&mut self, turn: &TurnId, change: impl FnOnce(&mut Turn)) {
        // The turn is nearly always the last one.
        if let Some(turn) = self
            .turns
            .iter_mut()
            .rev()
            .find(|known| known.turn == *turn)
        {
            change(turn);
        }
    }

    fn step(&mut self, record: &LogRecord, what: What) {
        self.steps.push(Step {
            seq: record.seq,
            at_ms: record.at_ms,
            what,
        });
    }

    fn deliver(&mut self, message: &MessageId, status: DeliveryStatus) {
        let turns = self.turns.iter_mut().rev();
        let mut in_turns = turns
            .flat_map(|turn| turn.replies.iter_mut().rev())
            .peekable();
        let steps = self.steps.iter_mut().rev();
        let mut in_steps = steps
            .filter_map(|step| match &mut step.what {
                What::Message { sent } => Some(sent),
                _ => None,
            })
            .peekable();
        // The last ones first: a report follows soon, and a log may have thousands of turns.
        loop {
            let is_step = match (in_turns.peek(), in_steps.peek()) {
                (Some(reply), Some(step)) => step.queued_at_ms > reply.queued_at_ms,
                (None, _) => true,
                (_, None) => false,
            };
            let sent = if is_step {
                in_steps.next()
            } else {
                in_turns.next()
            };
            let Some(sent) = sent else {
                return;
            };
            if sent.message == *message {
                sent.delivery = Some(match sent.delivery {
                    Some(before) => before.join(status),
                    None => status,
                });
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
