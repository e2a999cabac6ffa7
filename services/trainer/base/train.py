"""Fine-tunes a base model on conversations; can be stopped or killed at any time and goes on where it was.

    python -m base.train --base BASE.gguf --corpus train.jsonl --heldout heldout.jsonl --out RUN --minutes 60

A checkpoint is written every two minutes and at SIGTERM or SIGINT. The same command with the same --out goes on from it
at the same step, with the same order of data and the optimizer as it was. Not here: the GGUF (export).
"""

from __future__ import annotations

import argparse
import signal
import time
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F

from chat.dialogue import NO_LABEL
from parallel import Group

from . import checkpoint
from .budget import Budget, share_of_rate
from .conversation import Encoder
from .data import Order, Sequences
from .device import Device
from .lower import Lower
from .markup import Markup
from .mean import Mean
from .methods import Method, prepare, trained
from .options import parse
from .progress import Progress
from .read import read_base, sha256
from .score import score
from .workers import start

GRADIENT_NORM_MAX = 1.0
WEIGHT_DECAY = {"lora": 0.0, "upper": 0.05}


class Trainer:
    """One worker: a decoder, an optimizer and the data. All workers hold the same and take the same steps."""

    def __init__(self, group: Group, args: argparse.Namespace):
        self.group, self.args = group, args
        self.stopping = False
        self.device = Device.choose(args.device, args.precision)
        torch.manual_seed(args.seed)

        base = read_base(args.base)
        self.base_sha256 = sha256(args.base)
        self.decoder, self.tokenizer = base.decoder, base.tokenizer
        self.learning = f"--gradients {args.gradients} --words-count {args.words_count:g}"
        self.method = Method.choose(args.method, args.layers, args.rank, args.alpha, len(self.decoder.blk))
        self.frozen = prepare(self.decoder, self.method)
        self.device.place(self.decoder)
        self.weights = trained(self.decoder)
        for weight in self.weights.values():
            weight.grad = torch.zeros_like(weight)  # also for a worker whose share of a step is empty
        self.optimizer = torch.optim.AdamW(self.weights.values(), betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY[args.method], fused=True)

        encoder = Encoder(self.tokenizer, Markup(base.metadata, self.tokenizer), min(args.tokens_max, base.decoder.shape.context), args.words_count)
        self.sequences = Sequences.encode(args.corpus, encoder, args.limit)
        self.counted = f"{encoder.split} conversations split, {encoder.left_out} turns too long"
        self.heldout = Sequences.encode(args.heldout, encoder, args.heldout_limit)
        self.lower = Lower(self.decoder, self.frozen, self.sequences, args.out, f"{self.base_sha256} {self.device.is_bf16}")
        self.mean = Mean(self.weights, args.mean_steps) if args.mean_steps else None
        self.order = Order(self.sequences, args.batch_tokens, args.group_tokens, args.seed)
        self.step, self.tokens, self.order_from, seconds = 0, 0, 0, 0.0
        if (args.out / checkpoint.NAME).exists():
            seconds = self._resume(checkpoint.load(args.out / checkpoint.NAME))
        elif args.start:
            checkpoint.put_weights(self.decoder, checkpoint.load(args.start))
            if self.mean:
                self.mean.restart()
        steps = None if args.epochs is None else self.order_from + max(1, round(args.epochs * self.order.steps_a_pass()))
        self.budget = Budget(args.minutes, steps, self.step, seconds)

    def _resume(self, saved: dict[str, object]) -> float:
        """Goes on from a checkpoint; returns the seconds that the run had taken."""
        checkpoint.check_base(saved, self.base_sha256)
        if saved["method"] != self.method.to_dict():
            raise SystemExit(f"{self.args.out} trains {saved['method']}; use another folder for {self.method.to_dict()}")
        if "optimizer" not in saved:
            raise SystemExit(f"{self.args.out} holds weights alone, which a run cannot go on from; begin another with --start")
        checkpoint.put_weights(self.decoder, saved)
        if self.mean:
            self.mean.restart(saved.get("mean_of", 0))
        # Beside a mean stand the weights that are being trained.
        checkpoint.put_weights(self.decoder, saved, "trained" if "trained" in saved else "weights")
        self.optimizer.load_state_dict(saved["optimizer"])
        torch.set_rng_state(saved["random"])
        if saved.get("learning", self.learning) != self.learning:
            print(f"learned with {saved['learning']} up to step {saved['step']}, and goes on with {self.learning}", flush=True)
        self.step, self.tokens = saved["step"], saved["tokens"]
        # Other data, or another cut of it, is begun from its start.
        self.order_from = saved["order_from"] if saved["order"] == self.order.key else self.step
        return saved["seconds"]

    def save(self) -> None:
        """Writes the checkpoint."""
        weights = {name: weight.detach() for name, weight in self.weights.items()}
        mean = {"weights": self.mean.weights, "mean_of": self.mean.of, "trained": weights} if self.mean else {"weights": weights}
        checkpoint.save(self.args.out / checkpoint.NAME, mean | {
            "base": self.base_sha256, "method": self.method.to_dict(),
            "optimizer": self.optimizer.state_dict(), "random": torch.get_rng_state(),
            "learning": self.learning, "step": self.step, "tokens": self.tokens, "seconds": self.budget.seconds(),
            "order": self.order.key, "order_from": self.order_from,
        })

    def run(self) -> None:
        """Trains until the budget is used or somebody stops it; the first worker tells and saves."""
        args, first = self.args, self.group.is_first
        if first:
            self._tell()
        progress = Progress(args.out, self.step) if first else None
        saved_at = scored_at = time.monotonic()
        for groups in self.order.from_step(self.step - self.order_from):
            [share] = self.group.mean(self.budget.progress(self.step))
            if share >= 1:
                break
            loss = self._gradients(groups)
            if any(self.group.mean(float(self.stopping))):
                break
            rate = args.rate * share_of_rate(share)
            self._update(rate)
            self.step += 1
            tokens_now = sum(self.sequences.lengths[at] for group in groups for at in group)
            self.tokens += tokens_now
            [loss] = self.group.mean(loss)
            if first:
                progress.step(self.step, self.tokens, tokens_now, loss, rate, self.budget.seconds(), self.budget.seconds_left(self.step))
            # what one worker's clock says all do together, since scoring is shared
            [is_time] = self.group.mean(float(first and time.monotonic() - scored_at >= 60 * args.score_minutes))
            if is_time > 0:
                self._score(progress)
                scored_at = time.monotonic()
            if first and time.monotonic() - saved_at >= 60 * args.save_minutes:
                with progress.pause():
                    self.save()
                saved_at = time.monotonic()
        if first:
            self.save()
        if not any(self.group.mean(float(self.stopping))):
            self._score(progress)

    def _gradients(self, groups: list[list[int]]) -> float:
        """Leaves the gradient of the step's mean loss over learned tokens; returns that loss."""
        self.optimizer.zero_grad(set_to_none=False)
        learned = sum(self.sequences.learned[at] for group in groups for at in group)
        whole = torch.zeros((), device=self.device.name)
        for picked in groups[self.group.rank :: self.group.size]:
            for one in [[at] for at in picked] if self.args.gradients == "said" else [picked]:
                if self.stopping:
                    return 0.0  # the step is given up
                losses = self._losses_apart(one[0]) if self.args.gradients == "said" else self._losses(one)
                loss = losses.sum() / learned * self.group.size
                loss.backward()
                whole += loss.detach()
        return whole.item()

    def _losses(self, picked: list[int]) -> Tensor:
        """Returns the loss of each learned token of a batch, as much as it counts."""
        rows, labels, counts = (part.to(self.device.name) for part in self.sequences.batch(picked))
        wanted = labels != NO_LABEL
        with self.device.autocast():
            logits = self.decoder.logits(self.decoder.upper(self.lower(rows, picked), self.frozen)[wanted])
        return F.cross_entropy(logits.float(), labels[wanted], reduction="none") * counts[wanted]

    def _losses_apart(self, at: int) -> Tensor:
        """Returns the same of one sequence; no gradient flows through what is given in it."""
        rows, labels, counts, given = (part.to(self.device.name) for part in self.sequences.one(at))
        given &= labels == NO_LABEL
        wanted = labels[~given] != NO_LABEL
        with self.device.autocast():
            logits = self.decoder.logits(self.decoder.upper_apart(self.lower(rows, [at]), self.frozen, given)[0][wanted])
        return F.cross_entropy(logits.float(), labels[~given][wanted], reduction="none") * counts[~given][wanted]

    def _update(self, rate: float) -> None:
        """Takes the step that the gradients ask for."""
        self.group.average_gradients(list(self.weights.values()))
        torch.nn.utils.clip_grad_norm_(self.weights.values(), GRADIENT_NORM_MAX)
        for settings in self.optimizer.param_groups:
            settings["lr"] = rate
        self.optimizer.step()
        if self.mean:
            self.mean.take()

    def _score(self, progress: Progress | None) -> None:
        with progress.pause() if progress else nullcontext(), self.mean.in_place() if self.mean else nullcontext():
            result = score(self.decoder, self.tokenizer, self.heldout, self.device, self.group)
        if progress:
            progress.scored(self.step, result)

    def _tell(self) -> None:
        count = sum(weight.numel() for weight in self.weights.values())
        print(f"{self.method.name} on {self.method.layers} of {len(self.decoder.blk)} layers, {count / 1e6:.1f} M trained numbers, "
              f"{self.device.name} in {'bf16' if self.device.is_bf16 else 'fp32'}, {self.group.size} x {torch.get_num_threads()} threads", flush=True)
        print(f"{len(self.sequences)} sequences, {len(self.sequences.rows):,} tokens, {self.sequences.learned_share():.0%} learned, {self.counted}, "
              f"{self.order.steps_a_pass()} steps a pass, from step {self.step}", flush=True)


def run(group: Group, args: argparse.Namespace) -> None:
    """Trains in one worker."""
    trainer = Trainer(group, args)

    def stop(*_: object) -> None:
        trainer.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    trainer.run()


def main(arguments: list[str] | None = None) -> None:
    args = parse(__doc__.split("\n")[0], arguments)
    args.out.mkdir(parents=True, exist_ok=True)
    start(args.workers, args.threads, run, args)


if __name__ == "__main__":
    main()
