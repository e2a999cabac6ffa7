//! The engine's thread: takes jobs in, admits them into slots, lets them go. The computing is in `step`.

use std::{
    mem,
    num::NonZeroU32,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, TryRecvError},
    },
    time::Instant,
};

use super::{
    adapters::{AdapterId, Adapters},
    cache::Suspended,
    config::EngineConfig,
    disk::Disk,
    drafts::Acceptance,
    job::{Job, Slot},
    monitor::Monitor,
    pace::Pace,
    sequences::Sequences,
    tier::Tier,
    vocabulary::Vocabulary,
};
use crate::{
    BusyReason, Error, Finish,
    backend::{backend, creation_lock},
    pool::STARTS_MAX,
};
use llama_cpp_2::{
    context::{LlamaContext, params::LlamaContextParams, session::SeqState},
    llama_batch::LlamaBatch,
    model::LlamaModel,
    token::LlamaToken,
};

/// Everything the thread owns.
pub(super) struct EngineCore<'m> {
    pub(super) config: EngineConfig,
    /// Name and hash of the model, as completions carry it.
    pub(super) label: String,
    pub(super) context: LlamaContext<'m>,
    pub(super) batch: LlamaBatch<'static>,
    pub(super) sequences: Sequences,
    /// In order of admission.
    pub(super) slots: Vec<Slot>,
    /// Running requests that had to leave the context.
    pub(super) suspended: Vec<Suspended>,
    pub(super) waiting: Vec<Job>,
    /// Caches of conversations that left the context.
    pub(super) host: Tier<SeqState>,
    /// The same in files; none where there is no budget for it.
    pub(super) disk: Option<Disk>,
    pub(super) adapters: Adapters,
    /// The adapter that computed the last step.
    pub(super) turn: AdapterId,
    pub(super) acceptance: Acceptance,
    pub(super) pace: Pace,
    /// When text of all slots was last passed on.
    pub(super) passed_on: Instant,
    pub(super) monitor: Arc<Monitor>,
    pub(super) vocabulary: Vocabulary,
    /// The cache can be cut back to any length; false for recurrent models.
    pub(super) can_cut: bool,
}

/// Runs the engine until its channel closes. Tells through `ready` whether the model works.
pub(super) fn run(
    model: &LlamaModel,
    adapters: Adapters,
    config: EngineConfig,
    label: String,
    monitor: Arc<Monitor>,
    inbox: Receiver<Job>,
    ready: &Sender<Result<(), String>>,
) {
    let mut core = match EngineCore::start(model, adapters, config, label, monitor) {
        Ok(core) => core,
        Err(problem) => {
            let _ = ready.send(Err(problem));
            return;
        }
    };
    // An idle engine tells its slots too.
    core.tell_load();
    if ready.send(Ok(())).is_err() {
        return;
    }
    while core.take_in(&inbox) {
        core.monitor.begin(core.config.step_patience);
        core.let_go();
        core.admit();
        core.tell_load();
        core.step();
        core.monitor.rest();
    }
    core.end_all();
}

impl<'m> EngineCore<'m> {
    fn start(
        model: &'m LlamaModel,
        adapters: Adapters,
        config: EngineConfig,
        label: String,
        monitor: Arc<Monitor>,
    ) -> Result<Self, String> {
        let params = context_params(&config);
        let backend = backend().map_err(|error| error.to_string())?;
        let context = {
            let _guard = creation_lock();
            model
                .new_context(backend, params)
                .map_err(|error| format!("llama.cpp cannot make a context for it ({error})"))?
        };
        let can_cut = !model.is_recurrent() && !model.is_hybrid();
        let mut core = Self {
            batch: LlamaBatch::new(config.batch as usize, 1),
            sequences: Sequences::new(
                (config.slots + config.parked) as usize,
                config.prefixes as usize,
            ),
            slots: Vec::new(),
            suspended: Vec::new(),
            waiting: Vec::new(),
            host: Tier::new(usize::try_from(config.host_cache).unwrap_or(usize::MAX)),
            disk: open_disk(&config)?,
            adapters,
            turn: None,
            acceptance: Acceptance::default(),
            pace: Pace::new(config.step_target, config.batch as usize),
            passed_on: Instant::now(),
            monitor,
            vocabulary: Vocabulary::of(model),
            can_cut,
            config,
            label,
            context,
        };
        core.try_out()?;
        Ok(core)
    }

    /// Computes one token, so that a model that does not work is found at start.
    fn try_out(&mut self) -> Result<(), String> {
        self.batch.clear();
        self.batch
            .add(LlamaToken(0), 0, &[0], true)
            .map_err(|error| error.to_string())?;
        self.context
            .decode(&mut self.batch)
            .map_err(|error| format!("it cannot compute a token ({error})"))?;
        let sound = self
            .context
            .get_logits_ith(0)
            .iter()
            .all(|logit| !logit.is_nan());
        self.clear(0);
        if sound {
            Ok(())
        } else {
            Err("its first token has no numbers (NaN)".to_owned())
        }
    }

    /// Takes jobs in; waits for one when there is nothing to do. False when the engine is to end.
    fn take_in(&mut self, inbox: &Receiver<Job>) -> bool {
        if self.slots.is_empty() && self.waiting.is_empty() && self.suspended.is_empty() {
            match inbox.recv() {
                Ok(job) => self.waiting.push(job),
                Err(_) => return false,
            }
        }
        loop {
            match inbox.try_recv() {
                Ok(job) => self.waiting.push(job),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Ends what was cancelled or is too late.
    fn let_go(&mut self) {
        let now = Instant::now();
        for index in (0..self.slots.len()).rev() {
            if let Some(finish) = self.slots[index].job.ended_by_caller(now) {
                self.end(index, Ok(finish));
            }
        }
        for index in (0..self.suspended.len()).rev() {
            if let Some(finish) = self.suspended[index].slot.job.ended_by_caller(now) {
                let slot = self.suspended.remove(index).slot;
                self.note_end(&slot);
                slot.finish(finish, &self.label);
            }
        }
        for index in (0..self.waiting.len()).rev() {
            if let Some(finish) = self.waiting[index].ended_by_caller(now) {
                Slot::never_admitted(self.waiting.remove(index)).finish(finish, &self.label);
            }
        }
    }

    /// Gives slots to those who stepped aside, then to those who wait: by class, then by deadline.
    fn admit(&mut self) {
        self.resume_suspended();
        while self.slots.len() < self.config.slots as usize && self.suspended.is_empty() {
            let first = (0..self.waiting.len())
                .min_by_key(|&index| (self.waiting[index].priority, self.waiting[index].deadline));
            let Some(first) = first else { return };
            let job = self.waiting.remove(first);
            match self.seat(job) {
                Ok(slot) => self.slots.push(slot),
                Err(job) => Slot::never_admitted(*job).fail(Error::Busy(BusyReason::CacheFull)),
            }
        }
    }

    /// Ends a slot and keeps or frees its cache.
    pub(super) fn end(&mut self, index: usize, how: Result<Finish, Error>) {
        let mut slot = self.slots.remove(index);
        self.note_end(&slot);
        self.sequences
            .set_starts(slot.seq, mem::take(&mut slot.job.starts));
        let keep = how.is_ok() && !slot.job.conversation_key.is_empty();
        if keep {
            if let Some(older) = self.sequences.park(slot.seq) {
                self.clear(older);
            }
        } else {
            self.sequences.free(slot.seq);
            self.clear(slot.seq);
        }
        let mut starts = self.sequences.starts();
        let files = self.disk.as_ref().map(|disk| disk.tier.starts());
        for start in self
            .host
            .starts()
            .into_iter()
            .chain(files.into_iter().flatten())
        {
            // Callers remember no more, and a message has a limit.
            if starts.len() == STARTS_MAX {
                break;
            }
            starts.insert(start);
        }
        self.monitor.set_starts(starts);
        self.tell_load();
        match how {
            Ok(finish) => slot.finish(finish, &self.label),
            Err(error) => slot.fail(error),
        }
    }

    /// Counts what a request that had a slot took.
    pub(super) fn note_end(&self, slot: &Slot) {
        self.monitor.note_served(slot.age());
        self.monitor.update(|load| {
            load.prompt_tokens += slot.job.prompt.own as u64;
            load.cached_tokens += u64::from(slot.cached_of_prompt());
            load.output_tokens += slot.tokens.len() as u64;
        });
    }

    /// Tells how busy the engine is.
    pub(super) fn tell_load(&self) {
        let to_compute = |slot: &Slot| {
            let held = self.sequences.tokens(slot.seq).len();
            slot.job.prompt.tokens.len().saturating_sub(held) as u64
        };
        let running: u64 = self.slots.iter().map(to_compute).sum();
        let waiting: u64 = self
            .waiting
            .iter()
            .map(|job| job.prompt.tokens.len() as u64)
            .sum();
        let decoding = self.slots.iter().filter(|slot| slot.is_writing()).count();
        self.monitor.update(|load| {
            load.slots = self.config.slots;
            load.active = self.slots.len() as u32;
            load.decoding = decoding as u32;
            load.waiting = (self.waiting.len() + self.suspended.len()) as u32;
            load.waiting_max = self.config.queue as u32;
            load.backlog_tokens = running + waiting;
            load.prefill_tokens_per_s = self.pace.prompt_tokens_per_s();
            load.step_ms = self.pace.decode_ms();
            load.kv_used = self.sequences.tokens_held();
            load.kv_total = u64::from(self.config.cache_tokens);
        });
    }

    fn end_all(&mut self) {
        while let Some(index) = self.slots.len().checked_sub(1) {
            self.end(index, Ok(Finish::Cancelled));
        }
        for suspended in self.suspended.drain(..) {
            suspended.slot.finish(Finish::Cancelled, &self.label);
        }
        for job in self.waiting.drain(..) {
            Slot::never_admitted(job).finish(Finish::Cancelled, &self.label);
        }
    }
}

/// Opens the folder for caches in files, if there is a budget for them.
fn open_disk(config: &EngineConfig) -> Result<Option<Disk>, String> {
    if config.disk_cache == 0 {
        return Ok(None);
    }
    Disk::open(&config.disk_folder, config.disk_cache)
        .map(Some)
        .map_err(|error| {
            let folder = config.disk_folder.display();
            format!("its caches cannot be kept in {folder} ({error})")
        })
}

/// Returns how llama.cpp is to set a context up.
pub(crate) fn context_params(config: &EngineConfig) -> LlamaContextParams {
    let params = LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(config.cache_tokens))
        .with_n_batch(config.batch)
        .with_n_ubatch(config.batch)
        .with_n_seq_max(config.sequences())
        .with_n_threads(config.threads as i32)
        .with_n_threads_batch(config.batch_threads as i32);
    config.hardware.context_params(params)
}
