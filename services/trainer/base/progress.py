"""Tells how a training goes: a line now and then for a person, and RUN/progress.jsonl with every step."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .score import Score

LINE_SECONDS = 20


class Progress:
    """Writes both. A resumed run drops the steps that its checkpoint does not know."""

    def __init__(self, folder: Path, step: int):
        self.path = folder / "progress.jsonl"
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        kept = [line for line in map(_parsed, lines) if line is not None and line["step"] <= step]
        self.path.write_text("".join(json.dumps(line) + "\n" for line in kept))
        scores = [line["heldout_loss"] for line in kept if "heldout_loss" in line]
        self.heldout = scores[-1] if scores else None
        self._start_over()

    def step(self, step: int, tokens: int, tokens_now: int, loss: float, rate: float, seconds: float, seconds_left: float) -> None:
        """Notes a step; `tokens` were seen in all, `tokens_now` in this step."""
        self._write({"step": step, "tokens": tokens, "loss": round(loss, 5), "rate": rate, "seconds": round(seconds, 1)})
        self.losses.append(loss)
        self.tokens += tokens_now
        spent = time.monotonic() - self.since
        if spent >= LINE_SECONDS:
            heldout = "" if self.heldout is None else f", held-out {self.heldout:.4f}"
            print(f"step {step}, {tokens:,} tokens, {self.tokens / spent:.0f} a second, loss {sum(self.losses) / len(self.losses):.4f}{heldout}, "
                  f"{seconds_left / 60:.1f} min left", flush=True)
            self._start_over()

    def scored(self, step: int, score: Score) -> None:
        """Notes a score on held-out conversations."""
        self.heldout = score.loss
        print(f"step {step}, {score.line()}", flush=True)
        counts = {name: value for name, value in vars(score).items() if name != "loss"}
        self._write({"step": step, "heldout_loss": round(score.loss, 5), **counts})

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Wraps what does not count in the tokens a second."""
        started = time.monotonic()
        yield
        self.since += time.monotonic() - started

    def _start_over(self) -> None:
        self.since, self.tokens, self.losses = time.monotonic(), 0, []

    def _write(self, line: dict[str, object]) -> None:
        with self.path.open("a") as lines:
            lines.write(json.dumps(line) + "\n")


def _parsed(line: str) -> dict[str, object] | None:
    """Reads a line; the last one can be torn where the process was killed."""
    try:
        return json.loads(line)
    except ValueError:
        return None
