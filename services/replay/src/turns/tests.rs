use super::*;

fn fold(events: Vec<Event>) -> Turns {
    let mut turns = Turns::default();
    for (seq, event) in (1..).zip(events) {
        turns.take(&LogRecord {
            seq,
            at_ms: 1_000 + i64::try_from(seq).expect("small"),
            epoch: 1,
            logic_version: 1,
            body: LogBody::Event { event },
        });
    }
    turns
}

fn queued(turn: Option<&TurnId>, message: u128) -> Event {
    Event::ReplyQueued {
        turn: turn.cloned(),
        message: MessageId::from_parts(1, message),
        content: OutboundMessage {
            text: "It is blue.".into(),
            cards: Vec::new(),
        },
        verdicts: Vec::new(),
        claims: Vec::new(),
    }
}

#[test]
fn a_turn_that_begins_anew_keeps_its_words_and_its_start_and_nothing_else() {
    let turn = TurnId::from_parts(1, 1);
    let turns = fold(vec![
        Event::TurnStarted {
            turn: turn.clone(),
            attempt: 0,
            words: "a kettle".into(),
            cut: false,
        },
        Event::PlanMade {
            turn: turn.clone(),
            plan: Plan::default(),
        },
        Event::TurnExtended {
            turn: turn.clone(),
            attempt: 1,
            words: "a red one".into(),
            cut: false,
        },
    ]);
    let [begun] = &turns.turns[..] else {
        panic!("one turn")
    };
    assert_eq!(begun.words.expose(), "a kettle\na red one");
    assert_eq!((begun.restarts, begun.started_at_ms), (1, 1_001));
    assert!(begun.plan.is_none());
}

#[test]
fn reports_reach_messages_in_turns_and_outside_of_them() {
    let turn = TurnId::from_parts(1, 1);
    let delivered = |message| Event::DeliveryUpdated {
        message: MessageId::from_parts(1, message),
        status: DeliveryStatus::Delivered,
    };
    let turns = fold(vec![
        Event::TurnStarted {
            turn: turn.clone(),
            attempt: 0,
            words: "a kettle".into(),
            cut: false,
        },
        queued(Some(&turn), 1),
        queued(None, 2),
        delivered(1),
        delivered(2),
        // Of a message before this part of the log.
        delivered(3),
    ]);
    let reached: Vec<_> = turns.sent().map(|sent| sent.delivery).collect();
    assert_eq!(reached, [Some(DeliveryStatus::Delivered); 2]);
}
