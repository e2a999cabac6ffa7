"""How long a run goes on, and how fast it learns on the way."""

from __future__ import annotations

import math
import time

WARM_UP = 0.03  # of the run
RATE_LAST = 0.03  # of the peak rate


def share_of_rate(progress: float) -> float:
    """Warms up linearly, then follows half a cosine down."""
    if progress < WARM_UP:
        return max(progress / WARM_UP, 0.02)
    return RATE_LAST + (1 - RATE_LAST) * 0.5 * (1 + math.cos(math.pi * min(1, (progress - WARM_UP) / (1 - WARM_UP))))


class Budget:
    """A number of steps, or minutes over all starts of the run."""

    def __init__(self, minutes: float | None, steps: int | None, step: int, seconds: float):
        """Exactly one of `minutes` and `steps` is given; `step` and `seconds` are what the checkpoint knows."""
        self.minutes = minutes
        self.steps = steps
        self.step_first, self.seconds_before = step, seconds
        self.started = time.monotonic()

    def seconds(self) -> float:
        """Counts the run's time; of earlier starts, that up to their last checkpoints."""
        return self.seconds_before + time.monotonic() - self.started

    def progress(self, step: int) -> float:
        """Returns the share of the budget that is used before this step."""
        return step / self.steps if self.minutes is None else self.seconds() / (60 * self.minutes)

    def seconds_left(self, step: int) -> float:
        """Estimates the time left after `step` steps; by steps, from the mean time of one since this start."""
        if self.minutes is not None:
            return max(0.0, 60 * self.minutes - self.seconds())
        return (time.monotonic() - self.started) / max(1, step - self.step_first) * (self.steps - step)
