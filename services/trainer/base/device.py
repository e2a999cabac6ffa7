"""Where and how precisely to compute."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True)
class Device:
    """A device's name, and whether matrix products are in bf16."""

    name: str  # cpu or cuda
    is_bf16: bool

    @staticmethod
    def choose(name: str, precision: str) -> "Device":
        """Takes bf16 where there are units for it: a processor without them needs many times as long as in float32."""
        if name == "cuda" and not torch.cuda.is_available():
            raise SystemExit("this PyTorch sees no NVIDIA GPU; use --device cpu")
        return Device(name, precision == "bf16" or (precision == "auto" and (name == "cuda" or has_bf16_units())))

    def autocast(self) -> torch.autocast:
        """Returns the context in which forward passes run."""
        return torch.autocast(self.name, dtype=torch.bfloat16, enabled=self.is_bf16)

    def place(self, module: nn.Module) -> None:
        """Moves a module here. Matrices that are not trained are kept as they are computed; trained ones stay float32."""
        for weight in module.parameters():
            is_fixed_matrix = weight.dim() == 2 and not weight.requires_grad
            weight.data = weight.data.to(self.name, torch.bfloat16 if self.is_bf16 and is_fixed_matrix else torch.float32)


def has_bf16_units() -> bool:
    """Tells whether the processor multiplies bf16 matrices itself."""
    flags = Path("/proc/cpuinfo")
    return flags.exists() and any(unit in flags.read_text() for unit in ("avx512_bf16", "amx_bf16"))
