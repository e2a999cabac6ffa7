"""A running mean of the weights over the last steps.

Steps on few tokens make weights tremble, and the mean of them generalizes as well as weights that were trained on with a
rate that falls to nothing (Izmailov and others, Averaging Weights Leads to Wider Optima, 2018). So a run that goes on for
days can be measured and used at any time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


class Mean:
    """The mean of weights after about the last `steps` steps; older ones count ever less."""

    def __init__(self, trained: dict[str, Tensor], steps: int):
        self.trained, self.steps = trained, steps
        self.restart()

    def restart(self, of: int = 0) -> None:
        """Takes the weights as they are for the mean of so many steps."""
        self.of = of
        self.weights = {name: weight.detach().clone() for name, weight in self.trained.items()}

    @torch.no_grad()
    def take(self) -> None:
        """Takes the weights in after a step."""
        self.of = min(self.of + 1, self.steps)
        for name, weight in self.trained.items():
            self.weights[name].lerp_(weight, 1 / self.of)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Puts the mean where the weights are, until the block ends."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, weight in self.trained.items():
            kept = weight.detach().clone()
            weight.copy_(self.weights[name])
            self.weights[name].copy_(kept)
