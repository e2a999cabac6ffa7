"""Muon: momentum whose update for each weight matrix is made orthogonal (Jordan and others, 2024).

Written here because PyTorch's own computes in bfloat16, which processors without bf16 units emulate slowly.
Matrices of equal shape are handled together in one batched product, and the workers share the work.
"""

from __future__ import annotations

import torch
from torch import Tensor

from parallel import Group

# Coefficients of the quintic Newton-Schulz iteration, from the authors' published description of Muon.
NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


def orthogonal(matrices: Tensor, rounds: int = 5) -> Tensor:
    """Returns matrices with the same singular vectors and singular values near 1."""
    a, b, c = NEWTON_SCHULZ
    is_tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.mT if is_tall else matrices
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(rounds):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return x.mT if is_tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised, scaled so that its mean square matches AdamW's usual update."""

    def __init__(self, matrices: list[torch.nn.Parameter], workers: Group, lr: float, momentum: float = 0.95, weight_decay: float = 0.05):
        super().__init__(matrices, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self.workers = workers

    @torch.no_grad()
    def step(self, closure: None = None) -> None:
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[torch.nn.Parameter]] = {}
            for weight in group["params"]:
                by_shape.setdefault(weight.shape, []).append(weight)
            for shape, weights in by_shape.items():
                updates = torch.stack([self._momentum(weight, group["momentum"]) for weight in weights])
                mine = slice(self.workers.rank, None, self.workers.size)
                shared = torch.zeros_like(updates)
                if updates[mine].numel():
                    shared[mine] = orthogonal(updates[mine])
                self.workers.add_up(shared)
                scale = 0.2 * max(shape) ** 0.5
                for weight, update in zip(weights, shared, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)

    def _momentum(self, weight: torch.nn.Parameter, momentum: float) -> Tensor:
        state = self.state[weight]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - momentum)
        return torch.lerp(weight.grad, state["momentum"], momentum)
