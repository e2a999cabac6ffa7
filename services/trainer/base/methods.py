"""What of a base is trained: small adapters beside its matrices (`lora`), or its upper blocks themselves (`upper`).

Both leave the embeddings and the blocks below the chosen ones as they are.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .model import LINEARS, Decoder

METHODS = ("lora", "upper")


@dataclass(frozen=True)
class Method:
    """What is trained. A run keeps to one of these."""

    name: str  # of METHODS
    layers: int  # upper blocks that are trained
    rank: int = 32  # of adapters
    alpha: float = 64.0  # adapters count alpha / rank times

    @staticmethod
    def choose(name: str, layers: int | None, rank: int, alpha: float, of_layers: int) -> "Method":
        """Fills in how many of the base's layers are trained unless it is said: all by adapters, else the upper half."""
        layers = layers or (of_layers if name == "lora" else (of_layers + 1) // 2)
        if layers > of_layers:
            raise SystemExit(f"the base has {of_layers} layers, {layers} cannot be trained")
        return Method(name, layers, rank, alpha)

    def to_dict(self) -> dict[str, object]:
        """Returns the fields for a checkpoint."""
        return asdict(self)


class Adapted(nn.Module):
    """A frozen matrix with a product of two thin ones beside it (Hu and others, 2021). At first it changes nothing."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float):
        super().__init__()
        self.linear = linear
        self.scale = alpha / rank
        self.lora_a = nn.Parameter(torch.empty(rank, linear.in_features))
        self.lora_b = nn.Parameter(torch.zeros(linear.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_a, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + F.linear(F.linear(x, self.lora_a) * self.scale, self.lora_b)

    def merged(self) -> nn.Linear:
        """Returns one matrix that does the same."""
        self.linear.weight.data += self.scale * (self.lora_b @ self.lora_a).detach()
        return self.linear


def prepare(decoder: Decoder, method: Method) -> int:
    """Makes the decoder trainable in the method's way; returns how many blocks at the bottom stay as they are."""
    decoder.requires_grad_(False)
    frozen = len(decoder.blk) - method.layers
    if method.name == "upper":
        decoder.blk[frozen:].requires_grad_(True)
        decoder.output_norm.requires_grad_(True)
        return frozen
    for block in decoder.blk[frozen:]:
        for name in LINEARS:
            setattr(block, name, Adapted(getattr(block, name), method.rank, method.alpha))
    return frozen


def merge(decoder: Decoder) -> None:
    """Adds the adapters, if there are any, to the matrices beside them."""
    for block in decoder.blk:
        for name in LINEARS:
            if isinstance(part := getattr(block, name), Adapted):
                setattr(block, name, part.merged())


def trained(decoder: Decoder) -> dict[str, nn.Parameter]:
    """Returns what is trained, by name."""
    return {name: weight for name, weight in decoder.named_parameters() if weight.requires_grad}
