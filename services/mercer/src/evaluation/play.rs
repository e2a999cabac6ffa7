//! Plays dialogues, several at a time, and judges their turns. How a turn is judged is in `judge`.

use std::collections::HashMap;
use std::time::Instant;

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use mercer_schemas::{Channel, CustomerId, Personal};
use tokio::sync::Mutex;

use crate::evaluation::dialogue::{Dialogue, Turn};
use crate::evaluation::driver::{Caller, Line};
use crate::evaluation::judge::{TurnResult, course, judge};
use crate::evaluation::shelf::Shelf;

/// Customers whose numbers move while dialogues are played.
struct Customers {
    /// Held by the dialogue that has a customer's number, by the number's digits.
    in_use: HashMap<String, Mutex<()>>,
    /// Held while a number moves: the store takes one such write of a shop at a time.
    moving: Mutex<()>,
}

/// Plays dialogues, `jobs` at a time, and returns the results of each, in the order of the dialogues.
///
/// # Errors
/// When Mercer does not answer, the stores cannot be read, or a dialogue expects a fact that does not exist.
pub(crate) async fn play(
    line: &Line,
    dialogues: &[Dialogue],
    jobs: usize,
) -> anyhow::Result<Vec<Vec<TurnResult>>> {
    let shelf = Shelf::open(&line.store, &line.shop).await?;
    shelf.check(dialogues).await?;
    let turns: usize = dialogues.iter().map(|dialogue| dialogue.turns.len()).sum();
    let bar = ProgressBar::new(turns as u64).with_message("turns");
    let numbers = dialogues.iter().filter_map(digits);
    let customers = Customers {
        in_use: numbers.map(|number| (number, Mutex::default())).collect(),
        moving: Mutex::default(),
    };
    let stage = (line, &shelf, &customers, &bar);
    let plays: Vec<_> = dialogues
        .iter()
        .enumerate()
        .map(|(number, dialogue)| play_one(stage, number, dialogue))
        .collect();
    let results = stream::iter(plays).buffered(jobs).try_collect().await?;
    bar.finish_and_clear();
    Ok(results)
}

async fn play_one(
    (line, shelf, customers, bar): (&Line, &Shelf<'_>, &Customers, &ProgressBar),
    number: usize,
    dialogue: &Dialogue,
) -> anyhow::Result<Vec<TurnResult>> {
    // Every dialogue has a number of its own, so no two share a conversation.
    let phone = format!("4479{number:08}");
    // A customer has one number, so of two dialogues of theirs one waits for the other.
    let customer = digits(dialogue).and_then(|digits| customers.in_use.get(&digits));
    let _turn_of_ours = match customer {
        Some(customer) => Some(customer.lock().await),
        None => None,
    };
    if let Some(who) = &dialogue.customer {
        let _alone = customers.moving.lock().await;
        give_number(line, &who.whatsapp, &phone)
            .await
            .with_context(|| dialogue.name.clone())?;
    }
    let mut caller = line.caller(&phone);
    let mut said = String::new();
    let mut results = Vec::new();
    for (place, turn) in dialogue.turns.iter().enumerate() {
        said.push_str(&turn.customer);
        said.push('\n');
        let mut result = play_turn(shelf, &mut caller, &said, turn)
            .await
            .with_context(|| format!("{} turn {}", dialogue.name, place + 1))?;
        result.dialogue.clone_from(&dialogue.name);
        result.turn = place + 1;
        let next = dialogue.turns.get(place + 1);
        // Whoever wrote the dialogue allowed a person and expects answers later on: the person has done what was asked.
        if result.right
            && result.handed_over
            && next.is_some_and(|next| next.expect.reply != Some(false))
        {
            caller.hand_back().await?;
        }
        results.push(result);
        bar.inc(1);
    }
    if let Some(who) = &dialogue.customer {
        let _alone = customers.moving.lock().await;
        give_number(line, &phone, &who.whatsapp)
            .await
            .with_context(|| dialogue.name.clone())?;
    }
    Ok(results)
}

/// Plays one turn; whose it is, the caller writes into the result.
async fn play_turn(
    shelf: &Shelf<'_>,
    caller: &mut Caller<'_>,
    said: &str,
    turn: &Turn,
) -> anyhow::Result<TurnResult> {
    let started = Instant::now();
    let played = caller.say(&turn.customer).await?;
    let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let judged = judge(shelf, said, &turn.expect, &played).await?;
    let course = course(&played);
    Ok(TurnResult {
        dialogue: String::new(),
        turn: 0,
        kind: turn.kind.as_ref().map(|kind| kind.0.clone()),
        customer: turn.customer.clone(),
        right: judged.faults.is_empty(),
        grounded: judged.grounded,
        faults: judged.faults,
        tools: judged.tools,
        plan: course.plan,
        intents: course.intents,
        found: course.found,
        blocked: course.blocked,
        replies: played.replies,
        handed_over: judged.handed_over,
        ms,
    })
}

/// Returns the digits of a dialogue's customer's number.
fn digits(dialogue: &Dialogue) -> Option<String> {
    let number = &dialogue.customer.as_ref()?.whatsapp;
    Some(number.chars().filter(char::is_ascii_digit).collect())
}

/// Moves a customer to another phone number.
async fn give_number(line: &Line, from: &str, to: &str) -> anyhow::Result<()> {
    let found: Option<CustomerId> = line
        .store
        .customers()
        .by_channel_identity(&line.shop, Channel::Whatsapp, from)
        .await?;
    // An unknown number stays a stranger's.
    let Some(id) = found else { return Ok(()) };
    let Some(mut customer) = line.store.customers().get(&line.shop, &id).await? else {
        return Ok(());
    };
    customer.phone = Some(Personal::new(format!("+{}", to.trim_start_matches('+'))));
    line.store
        .customers()
        .put_many(&line.shop, vec![customer])
        .await?;
    Ok(())
}
