//! The state machine against workers and a network that are played here, so that every fault can be made.

use std::{collections::BTreeMap, sync::Arc};

use mercer_schemas::worker::{ModelInfo, Timings, Usage};
use proptest::prelude::*;

use super::*;
use crate::pool::directory::tests::model;

/// What any worker writes for the one request there is: its model is one and its random numbers are the request's.
const TEXT: &str = "The kettle costs {{p1.price}} and is in stock.";
const TICK: Duration = Duration::from_millis(50);

fn token(index: usize) -> u32 {
    1_000 + index as u32
}

/// A worker that takes one attempt at a time and writes a letter a token.
#[derive(Debug)]
struct Player {
    alive: bool,
    seen: Instant,
    attempt: u16,
    frames: Vec<Frame>,
    written: usize,
    upto: u32,
    done: bool,
}

/// Workers, and the frames that are on their way.
struct World {
    now: Instant,
    players: BTreeMap<String, Player>,
    network: Vec<Frame>,
    counts: BTreeMap<&'static str, u32>,
    verdicts: Vec<(String, Verdict)>,
    gaps: Vec<Duration>,
    /// Times that frames were asked for again.
    probes: u32,
    /// Workers that tell that their engine hangs.
    hanging: Vec<&'static str>,
    /// Tokens that a conversation holds on each worker, where it is not the usual.
    contexts: BTreeMap<String, u32>,
    max_tokens: usize,
}

impl World {
    fn new(workers: usize) -> Self {
        let now = Instant::now();
        let player = || Player {
            alive: true,
            seen: now,
            attempt: 0,
            frames: Vec::new(),
            written: 0,
            upto: 0,
            done: true,
        };
        Self {
            now,
            players: (0..workers).map(|n| (format!("w{n}"), player())).collect(),
            network: Vec::new(),
            counts: BTreeMap::new(),
            verdicts: Vec::new(),
            gaps: Vec::new(),
            probes: 0,
            hanging: Vec::new(),
            contexts: BTreeMap::new(),
            max_tokens: 200,
        }
    }

    fn model_of(&self, worker: &str) -> ModelInfo {
        let usual = model("a");
        let n_ctx = self.contexts.get(worker).copied().unwrap_or(usual.n_ctx);
        ModelInfo { n_ctx, ..usual }
    }

    fn choice(&self, worker: &str) -> Choice {
        Choice {
            worker: worker.to_owned(),
            incarnation: 1,
            model: Arc::new(self.model_of(worker)),
            ttft: Duration::from_secs(60),
            uncached: 0.0,
        }
    }

    /// Does what the generation wants of the workers, and returns what it tells.
    fn act(&mut self, actions: Vec<Action>) -> Vec<Result<Chunk, Error>> {
        let mut told = Vec::new();
        for action in actions {
            match action {
                Action::Tell(item) => told.push(item),
                Action::Ask {
                    worker,
                    attempt,
                    resume,
                    ..
                } => {
                    let player = self.players.get_mut(&worker).unwrap();
                    if !player.alive {
                        continue;
                    }
                    (player.attempt, player.written) = (attempt, resume.len());
                    (player.upto, player.done) = (64, false);
                    player.frames.clear();
                    let accepted = Accepted {
                        worker: worker.clone(),
                        incarnation: 1,
                        prompt_tokens: 10 + resume.len() as u32,
                        cached_tokens: 4,
                    };
                    self.push(&worker, Body::Accepted(accepted));
                }
                Action::Steer { worker, control } => self.steer(&worker, &control),
            }
        }
        told
    }

    fn steer(&mut self, worker: &str, control: &Control) {
        self.probes += u32::from(matches!(control, Control::Resend { .. }));
        let player = self.players.get_mut(worker).unwrap();
        if !player.alive {
            return;
        }
        match control {
            Control::Cancel { attempt, .. } if *attempt == player.attempt => player.done = true,
            Control::Credit { attempt, upto, .. } if *attempt == player.attempt => {
                player.upto = player.upto.max(*upto);
            }
            Control::Resend { attempt, from, .. } if *attempt == player.attempt => {
                let again = player.frames.iter().skip(*from as usize).cloned();
                self.network.extend(again);
            }
            _ => {}
        }
    }

    fn push(&mut self, worker: &str, body: Body) {
        let player = self.players.get_mut(worker).unwrap();
        let first_token = match &body {
            Body::Tokens { tokens, .. } => player.written - tokens.len(),
            _ => player.written,
        };
        let frame = Frame {
            stream: StreamId(7),
            attempt: player.attempt,
            seq: player.frames.len() as u32,
            first_token: first_token as u32,
            body,
        };
        player.frames.push(frame.clone());
        self.network.push(frame);
    }

    /// Lets a worker write a token, or the end.
    fn write(&mut self, worker: &str) {
        let max_tokens = self.max_tokens;
        let player = self.players.get_mut(worker).unwrap();
        if !player.alive || player.done || player.frames.len() as u32 >= player.upto {
            return;
        }
        let at = player.written;
        let finish = match TEXT.chars().nth(at) {
            None => Finish::Stop,
            Some(_) if at >= max_tokens => Finish::Length,
            Some(letter) => {
                player.written += 1;
                let tokens = vec![token(at)];
                let text = letter.to_string();
                return self.push(worker, Body::Tokens { tokens, text });
            }
        };
        player.done = true;
        let done = Done {
            finish,
            usage: Usage {
                prompt_tokens: 10,
                cached_tokens: 4,
                output_tokens: at as u32,
            },
            timings: Timings::default(),
            prompt_sha256: "p".to_owned(),
            model: "m@a".to_owned(),
        };
        self.push(
            worker,
            Body::Done {
                tokens: Vec::new(),
                done,
            },
        );
    }

    fn beat(&mut self) {
        let now = self.now;
        self.players
            .values_mut()
            .filter(|player| player.alive)
            .for_each(|player| player.seen = now);
    }
}

impl Workers for World {
    fn choose(&mut self, now: Instant, wish: &Wish<'_>) -> Result<Choice, BusyReason> {
        let fresh = |player: &Player| now - player.seen < Duration::from_millis(750);
        let found = self
            .players
            .iter()
            .filter(|(name, _)| self.model_of(name).n_ctx >= wish.context_min)
            .find(|(name, player)| fresh(player) && !wish.exclude.contains(name));
        found
            .map(|(name, _)| self.choice(name))
            .ok_or(BusyReason::NoWorker)
    }

    fn sent(&mut self, _: Instant, _: &Choice) {}

    fn seen(&self, worker: &str) -> Option<(u64, Instant)> {
        self.players.get(worker).map(|player| (1, player.seen))
    }

    fn hangs(&self, worker: &str) -> bool {
        self.hanging.contains(&worker)
    }

    fn judge(&mut self, _: Instant, worker: &str, verdict: Verdict) {
        self.verdicts.push((worker.to_owned(), verdict));
    }

    fn learn_prompt(&mut self, _: u32) {}

    fn resumed(&mut self, gap: Duration) {
        self.gaps.push(gap);
    }

    fn may_retry(&mut self, _: Instant) -> bool {
        true
    }

    fn may_hedge(&mut self, _: Instant) -> bool {
        true
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }
}

/// A generation in its world, and everything it told.
struct Play {
    world: World,
    generation: Failover,
    told: Vec<Result<Chunk, Error>>,
}

impl Play {
    fn new(workers: usize, max_tokens: usize) -> Self {
        let mut world = World::new(workers);
        world.max_tokens = max_tokens;
        let spec = RequestSpec {
            stream: StreamId(7),
            max_tokens,
            priority: Priority::Interactive,
            began: world.now,
            deadline: world.now + Duration::from_secs(30),
        };
        let (now, choice) = (world.now, world.choice("w0"));
        let (generation, actions) = Failover::start(spec, now, choice, &mut world);
        let told = world.act(actions);
        Self {
            world,
            generation,
            told,
        }
    }

    fn input(&mut self, input: Input) {
        let now = self.world.now;
        let actions = self.generation.handle(now, input, &mut self.world);
        let told = self.world.act(actions);
        self.told.extend(told);
    }

    fn tick(&mut self, by: Duration, connected: bool) {
        self.world.now += by;
        self.input(Input::Tick { connected });
    }

    /// Delivers everything that is on its way.
    fn deliver(&mut self) {
        for frame in std::mem::take(&mut self.world.network) {
            self.input(Input::Frame(frame));
        }
    }

    fn write(&mut self, count: usize) {
        let names: Vec<String> = self.world.players.keys().cloned().collect();
        for _ in 0..count {
            names.iter().for_each(|name| self.world.write(name));
        }
    }

    /// Lets time pass on a network without faults until the generation ends.
    fn run_out(&mut self) {
        for _ in 0..2_000 {
            if self.generation.has_ended() {
                return;
            }
            self.world.beat();
            self.write(1);
            self.deliver();
            self.tick(TICK, true);
        }
        panic!("it does not end");
    }

    fn kill(&mut self, worker: &str) {
        self.world.players.get_mut(worker).unwrap().alive = false;
    }

    fn streamed(&self) -> (String, Vec<u32>) {
        let (mut text, mut tokens) = (String::new(), Vec::new());
        for item in self.told.iter().flatten() {
            if let Chunk::Text { text: t, tokens: n } = item {
                text.push_str(t);
                tokens.extend(n);
            }
        }
        (text, tokens)
    }

    fn completion(&self) -> &crate::Completion {
        match self.told.last() {
            Some(Ok(Chunk::Done(completion))) => completion,
            other => panic!("{other:?}"),
        }
    }

    /// Fails unless the whole text came exactly once.
    fn assert_whole(&self) {
        let completion = self.completion();
        let tokens: Vec<u32> = (0..TEXT.len()).map(token).collect();
        assert_eq!(completion.finish, Finish::Stop);
        assert_eq!((&completion.text[..], &completion.tokens), (TEXT, &tokens));
        assert_eq!(self.streamed(), (TEXT.to_owned(), tokens));
        let started = |item: &&Result<Chunk, Error>| matches!(item, Ok(Chunk::Started { .. }));
        assert_eq!(self.told.iter().filter(started).count(), 1);
    }
}

#[test]
fn a_quiet_day() {
    let mut play = Play::new(1, 200);
    play.run_out();
    play.assert_whole();
    assert_eq!(play.world.verdicts, [("w0".to_owned(), Verdict::Worked)]);
    let usage = play.completion().usage;
    assert_eq!((usage.prompt_tokens, usage.cached_tokens), (10, 4));
}

#[test]
fn a_dead_worker_s_text_goes_on_elsewhere() {
    let mut play = Play::new(2, 200);
    play.write(5);
    play.deliver();
    play.kill("w0");
    let began = play.world.now;
    while !play.world.counts.contains_key("silent") {
        play.world.beat();
        play.tick(TICK, true);
    }
    assert!(play.world.now - began <= Duration::from_millis(850));
    play.run_out();
    play.assert_whole();
    assert_eq!(play.world.counts["asked"], 2);
    assert_eq!(play.completion().usage.prompt_tokens, 10);
    let [gap] = play.world.gaps[..] else {
        panic!("{:?}", play.world.gaps)
    };
    assert!(gap >= Duration::from_millis(750) && gap < Duration::from_secs(1));
}

#[test]
fn a_worker_whose_engine_hangs_is_left_at_its_next_heartbeat() {
    let mut play = Play::new(2, 200);
    play.write(5);
    play.deliver();
    // It lives and sends keepalives, but its engine does nothing.
    play.world.hanging.push("w0");
    play.world.beat();
    play.tick(TICK, true);
    assert_eq!(play.world.counts["stalled"], 1);
    assert_eq!(play.world.verdicts, [("w0".to_owned(), Verdict::Failed)]);
    play.kill("w0");
    play.run_out();
    play.assert_whole();
}

#[test]
fn a_deadline_counts_against_a_worker_that_never_began() {
    let mut play = Play::new(1, 200);
    play.world.network.clear();
    let keepalive = Frame {
        stream: StreamId(7),
        attempt: 1,
        seq: 0,
        first_token: 0,
        body: Body::Keepalive,
    };
    while !play.generation.has_ended() {
        play.world.beat();
        play.input(Input::Frame(keepalive.clone()));
        play.tick(TICK, true);
    }
    assert_eq!(play.completion().finish, Finish::Deadline);
    assert_eq!(play.world.verdicts, [("w0".to_owned(), Verdict::Failed)]);
}

#[test]
fn a_deadline_counts_not_against_a_worker_that_began_or_was_asked_a_moment_ago() {
    let mut play = Play::new(1, 200);
    play.deliver();
    while !play.generation.has_ended() {
        play.world.beat();
        let keepalive = Frame {
            stream: StreamId(7),
            attempt: 1,
            seq: 1,
            first_token: 0,
            body: Body::Keepalive,
        };
        play.input(Input::Frame(keepalive));
        play.tick(TICK, true);
    }
    assert_eq!(play.completion().finish, Finish::Deadline);
    assert!(play.world.verdicts.is_empty(), "it began");

    let mut play = Play::new(2, 200);
    play.world.network.clear();
    play.world.now += Duration::from_millis(29_900);
    play.world.beat();
    play.input(Input::NoResponder { attempt: 1 });
    play.world.network.clear();
    play.world.verdicts.clear();
    play.world.now += Duration::from_millis(410);
    play.world.beat();
    play.input(Input::Tick { connected: true });
    assert_eq!(play.completion().finish, Finish::Deadline);
    assert!(play.world.verdicts.is_empty(), "it had no time");
}

#[test]
fn text_that_no_tokens_can_be_is_a_lie() {
    for (tokens, bytes) in [(1, 513), (3, 1537), (200, 1 << 20)] {
        let mut play = Play::new(2, 200);
        play.deliver();
        let told = Frame {
            stream: StreamId(7),
            attempt: 1,
            seq: 1,
            first_token: 0,
            body: Body::Tokens {
                tokens: vec![1; tokens],
                text: "x".repeat(bytes),
            },
        };
        play.input(Input::Frame(told));
        assert_eq!(play.world.verdicts, [("w0".to_owned(), Verdict::Lied)]);
        assert_eq!(play.streamed().0, "");
    }
}

#[test]
fn no_responder_is_a_failure_at_once() {
    let mut play = Play::new(2, 200);
    play.input(Input::NoResponder { attempt: 1 });
    assert_eq!(play.world.counts["asked"], 2);
    play.run_out();
    play.assert_whole();
}

#[test]
fn workers_that_were_not_there_use_up_no_attempts() {
    let mut play = Play::new(9, 200);
    for attempt in 1..=6 {
        play.world.network.clear();
        play.input(Input::NoResponder { attempt });
    }
    assert_eq!(play.world.counts["asked"], 7);
    play.run_out();
    play.assert_whole();
}

#[test]
fn a_quiet_worker_is_asked_whether_it_is_there() {
    let mut play = Play::new(2, 200);
    play.write(5);
    play.deliver();
    play.kill("w0");
    let began = play.world.now;
    while play.world.probes == 0 {
        play.world.beat();
        play.tick(TICK, true);
    }
    assert!(play.world.now - began <= Duration::from_millis(500));
    // NATS knows that nobody listens there.
    play.input(Input::NoResponder { attempt: 1 });
    assert_eq!(play.world.counts["asked"], 2);
    play.run_out();
    play.assert_whole();
}

#[test]
fn a_worker_that_is_not_connected_again_yet_is_waited_for() {
    let mut play = Play::new(2, 200);
    play.write(5);
    play.deliver();
    play.tick(TICK, false);
    play.tick(TICK, true);
    play.input(Input::NoResponder { attempt: 1 });
    play.run_out();
    play.assert_whole();
    assert_eq!(play.world.counts["asked"], 1);
}

#[test]
fn a_lie_ends_the_attempt_and_is_told_to_the_breaker() {
    for lie in 0..4 {
        let mut play = Play::new(2, 200);
        play.write(3);
        play.deliver();
        let mut frame = play.world.players["w0"].frames[3].clone();
        frame.seq = 4;
        frame.first_token = if lie == 0 { 9 } else { 3 };
        match lie {
            1 => {
                frame.body = Body::Tokens {
                    tokens: Vec::new(),
                    text: "x".to_owned(),
                }
            }
            2 => {
                frame.body = Body::Tokens {
                    tokens: vec![1; 300],
                    text: "x".to_owned(),
                }
            }
            3 => frame.body = play.world.players["w0"].frames[0].body.clone(),
            _ => {}
        }
        play.input(Input::Frame(frame));
        assert_eq!(play.world.counts["lie"], 1, "{lie}");
        assert_eq!(play.world.verdicts, [("w0".to_owned(), Verdict::Lied)]);
        play.run_out();
        play.assert_whole();
    }
}

#[test]
fn late_and_repeated_frames_change_nothing() {
    let mut play = Play::new(2, 200);
    play.write(3);
    play.deliver();
    let old = play.world.players["w0"].frames.clone();
    play.input(Input::NoResponder { attempt: 1 });
    old.into_iter()
        .for_each(|frame| play.input(Input::Frame(frame)));
    assert_eq!(play.world.counts["late"], 4);
    play.run_out();
    play.assert_whole();
}

#[test]
fn while_nats_is_gone_nobody_is_blamed_and_what_was_lost_is_sent_again() {
    let mut play = Play::new(2, 200);
    play.write(3);
    play.deliver();
    play.write(4);
    play.world.network.clear();
    for _ in 0..40 {
        play.tick(TICK, false);
    }
    play.tick(TICK, true);
    play.run_out();
    play.assert_whole();
    assert_eq!(play.world.counts["asked"], 1);
}

#[test]
fn with_nats_gone_for_good_the_deadline_ends_it() {
    let mut play = Play::new(1, 200);
    play.write(3);
    play.deliver();
    while !play.generation.has_ended() {
        play.tick(TICK, false);
    }
    assert_eq!(play.completion().finish, Finish::Deadline);
    assert_eq!(play.completion().text, "The");
}

#[test]
fn a_deadline_without_a_worker_ends_with_what_there_is() {
    let mut play = Play::new(1, 200);
    play.write(3);
    play.deliver();
    play.kill("w0");
    while !play.generation.has_ended() {
        play.tick(TICK, true);
    }
    assert_eq!(play.completion().finish, Finish::Deadline);
    assert_eq!(play.completion().text, "The");
    assert!(play.world.now >= play.generation.spec.deadline);
}

#[test]
fn one_worker_that_dies_leaves_an_honest_error() {
    let mut play = Play::new(1, 200);
    play.kill("w0");
    play.world.network.clear();
    while !play.generation.has_ended() {
        play.tick(TICK, true);
    }
    let error = play.told.last().unwrap().as_ref().unwrap_err();
    assert!(
        matches!(error, Error::Busy(BusyReason::NoWorker)),
        "{error:?}"
    );
    assert!(play.world.now - play.generation.spec.began < Duration::from_secs(7));
}

#[test]
fn a_text_that_is_as_long_as_it_may_be_ends_although_its_worker_died() {
    let mut play = Play::new(1, 5);
    play.write(5);
    play.deliver();
    play.kill("w0");
    while !play.generation.has_ended() {
        play.tick(TICK, true);
    }
    assert_eq!(play.completion().finish, Finish::Length);
    assert_eq!(play.completion().tokens.len(), 5);
}

#[test]
fn refusals_go_elsewhere_or_end_it() {
    let refused = |refusal| Refused {
        refusal,
        tokens: 0,
        retry_after_ms: 0,
    };
    let frame = |refusal| Frame {
        stream: StreamId(7),
        attempt: 1,
        seq: 0,
        first_token: 0,
        body: Body::Refused(refused(refusal)),
    };
    let mut play = Play::new(2, 200);
    play.input(Input::Frame(frame(Refusal::Draining)));
    assert!(play.world.verdicts.is_empty());
    play.run_out();
    play.assert_whole();
    let mut play = Play::new(2, 200);
    play.input(Input::Frame(frame(Refusal::Grammar)));
    assert!(matches!(play.told.last(), Some(Err(Error::Grammar(_)))));
}

#[test]
fn a_text_goes_on_only_where_it_may_become_as_long() {
    let mut play = Play::new(2, 200);
    play.world.contexts.insert("w1".to_owned(), 20);
    play.write(5);
    play.deliver();
    play.kill("w0");
    while !play.generation.has_ended() {
        play.world.beat();
        play.tick(TICK, true);
    }
    assert_eq!(play.world.counts["asked"], 1);
    assert_eq!(play.completion().finish, Finish::Deadline);
}

#[test]
fn a_prompt_that_is_too_long_for_one_worker_goes_to_one_that_holds_more() {
    let too_long = |attempt| Frame {
        stream: StreamId(7),
        attempt,
        seq: 0,
        first_token: 0,
        body: Body::Refused(Refused {
            refusal: Refusal::PromptTooLong,
            tokens: 5_000,
            retry_after_ms: 0,
        }),
    };
    let mut play = Play::new(2, 200);
    play.world.network.clear();
    play.world.contexts.insert("w1".to_owned(), 8192);
    play.input(Input::Frame(too_long(1)));
    assert!(play.world.verdicts.is_empty());
    play.run_out();
    play.assert_whole();

    let mut play = Play::new(2, 200);
    play.world.network.clear();
    play.input(Input::Frame(too_long(1)));
    assert!(
        matches!(play.told.last(), Some(Err(Error::PromptTooLong { .. }))),
        "no worker holds more"
    );
}

#[test]
fn cancelling_ends_in_a_moment_with_what_there_is() {
    let mut play = Play::new(1, 200);
    play.write(3);
    play.deliver();
    play.input(Input::Cancel);
    assert!(play.world.players["w0"].done);
    while !play.generation.has_ended() {
        play.tick(TICK, true);
    }
    assert_eq!(play.completion().finish, Finish::Cancelled);
    assert_eq!(play.completion().text, "The");
}

#[test]
fn a_late_first_token_is_hedged_and_the_first_one_wins() {
    let mut play = Play::new(2, 200);
    play.generation.lanes[0].choice.ttft = Duration::from_millis(10);
    for _ in 0..11 {
        play.world.beat();
        play.generation.lanes[0].heard = play.world.now;
        play.tick(TICK, true);
    }
    assert_eq!(play.world.counts["hedged"], 1);
    assert_eq!(play.generation.lanes.len(), 2);
    play.world.network.clear();
    play.world.write("w1");
    play.input(Input::Frame(play.world.players["w1"].frames[0].clone()));
    play.input(Input::Frame(play.world.players["w1"].frames[1].clone()));
    assert!(play.world.players["w0"].done, "the loser is cancelled");
    play.world.network.clear();
    play.run_out();
    play.assert_whole();
}

#[derive(Debug, Clone)]
enum Event {
    Write(usize),
    Deliver(usize),
    Lose(usize),
    Repeat(usize),
    Tick(bool),
    Beat,
    Kill(usize),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (0usize..3).prop_map(Event::Write),
        8 => any::<usize>().prop_map(Event::Deliver),
        2 => any::<usize>().prop_map(Event::Lose),
        2 => any::<usize>().prop_map(Event::Repeat),
        3 => prop::bool::weighted(0.8).prop_map(Event::Tick),
        2 => Just(Event::Beat),
        1 => (0usize..3).prop_map(Event::Kill),
    ]
}

proptest! {
    /// Whatever the network and death do: the text comes whole and once, or an error; what was streamed is always
    /// the text's beginning.
    #[test]
    fn the_text_comes_out_once_and_whole_or_an_error_does(events in prop::collection::vec(event(), 0..400)) {
        let mut play = Play::new(3, 200);
        for event in events {
            let any = |at: usize, play: &Play| (!play.world.network.is_empty()).then(|| at % play.world.network.len());
            match event {
                Event::Write(worker) => play.world.write(&format!("w{worker}")),
                Event::Deliver(at) => if let Some(at) = any(at, &play) {
                    let frame = play.world.network.remove(at);
                    play.input(Input::Frame(frame));
                },
                Event::Lose(at) => if let Some(at) = any(at, &play) { play.world.network.remove(at); },
                Event::Repeat(at) => if let Some(at) = any(at, &play) {
                    let frame = play.world.network[at].clone();
                    play.world.network.push(frame);
                },
                Event::Tick(connected) => play.tick(TICK, connected),
                Event::Beat => play.world.beat(),
                Event::Kill(worker) => play.kill(&format!("w{worker}")),
            }
            let (text, _) = play.streamed();
            prop_assert!(TEXT.starts_with(&text), "{}", text);
        }
        play.run_out();
        match play.told.last() {
            Some(Ok(Chunk::Done(completion))) => {
                prop_assert_eq!(&completion.text, &play.streamed().0);
                // With nobody left to go on, what there is ends at the deadline.
                let is_left = play.world.players.values().any(|player| player.alive);
                if is_left || completion.finish != Finish::Deadline {
                    play.assert_whole();
                }
            }
            Some(Err(_)) => {}
            other => prop_assert!(false, "{:?}", other),
        }
        let ends = play.told.iter().filter(|item| matches!(item, Ok(Chunk::Done(_)) | Err(_))).count();
        prop_assert_eq!(ends, 1);
    }
}
