"""Keeps what the frozen blocks at the bottom make of each sequence, so that later passes begin above them.

They never change in a run, and are a quarter of its work where the upper half is trained. The vectors lie in a file that
the workers share. It is begun anew at every start: a crash may have left places in it that were never written.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from .data import Sequences
from .model import Decoder

NAME = "lower.bin"


class Lower:
    """The lower blocks of a decoder, with a memory."""

    def __init__(self, decoder: Decoder, frozen: int, sequences: Sequences, folder: Path):
        """Without frozen blocks nothing is kept."""
        self.decoder, self.frozen, self.sequences = decoder, frozen, sequences
        if frozen > 0:
            width, count = decoder.shape.width, len(sequences.rows)
            numbers = torch.from_file(str(folder / NAME), shared=True, size=count * width + len(sequences), dtype=torch.float32)
            self.vectors = numbers[: count * width].view(count, width)
            self.is_kept = numbers[count * width :]

    def __call__(self, rows: Tensor, picked: list[int]) -> Tensor:
        """Returns the vectors of the picked sequences' padded rows."""
        if self.frozen == 0:
            return self.decoder.lower(rows, 0)
        if all(self.is_kept[at] for at in picked):
            x = torch.zeros(*rows.shape, self.decoder.shape.width)
            for line, at in enumerate(picked):
                x[line, : self.sequences.lengths[at]] = self.vectors[self._place(at)]
            return x.to(rows.device)
        x = self.decoder.lower(rows, self.frozen)
        for line, at in enumerate(picked):
            self.vectors[self._place(at)] = x[line, : self.sequences.lengths[at]].cpu()
            self.is_kept[at] = 1
        return x

    def _place(self, at: int) -> slice:
        return slice(self.sequences.starts[at], self.sequences.starts[at + 1])


def forget(folder: Path) -> None:
    """Removes what an earlier start kept."""
    (folder / NAME).unlink(missing_ok=True)
