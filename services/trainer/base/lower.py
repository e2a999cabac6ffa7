"""Keeps what the frozen blocks at the bottom make of each sequence, so that later passes begin above them.

They never change in a run, and are a quarter of its work where the upper half is trained. The vectors lie in a file that
the workers share and that outlives them: a run that goes on finds what was made before.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from .data import Sequences
from .model import Decoder


class Lower:
    """The lower blocks of a decoder, with a memory."""

    def __init__(self, decoder: Decoder, frozen: int, sequences: Sequences, folder: Path, base_sha256: str):
        """Without frozen blocks nothing is kept."""
        self.decoder, self.frozen, self.sequences = decoder, frozen, sequences
        if frozen > 0:
            width, count = decoder.shape.width, len(sequences.rows)
            # Another base, corpus or number of blocks makes other vectors.
            key = hashlib.sha256(f"{base_sha256} {sequences.fingerprint()} {frozen}".encode()).hexdigest()[:16]
            path = folder / f"lower-{key}.bin"
            for other in set(folder.glob("lower-*.bin")) - {path}:
                other.unlink(missing_ok=True)
            numbers = torch.from_file(str(path), shared=True, size=count * width + len(sequences), dtype=torch.float32)
            self.vectors = numbers[: count * width].view(count, width)
            # What each sequence's vectors add up to: a machine that crashed may have left some of them unwritten.
            self.sums = numbers[count * width :]

    def __call__(self, rows: Tensor, picked: list[int]) -> Tensor:
        """Returns the vectors of the picked sequences' padded rows."""
        if self.frozen == 0:
            return self.decoder.lower(rows, 0)
        if all(map(self._is_kept, picked)):
            x = torch.zeros(*rows.shape, self.decoder.shape.width)
            for line, at in enumerate(picked):
                x[line, : self.sequences.lengths[at]] = self.vectors[self._place(at)]
            return x.to(rows.device)
        x = self.decoder.lower(rows, self.frozen)
        for line, at in enumerate(picked):
            self.vectors[self._place(at)] = x[line, : self.sequences.lengths[at]].cpu()
            self.sums[at] = self.vectors[self._place(at)].sum()
        return x

    def _is_kept(self, at: int) -> bool:
        return bool(self.sums[at] != 0) and bool(self.sums[at] == self.vectors[self._place(at)].sum())

    def _place(self, at: int) -> slice:
        return slice(self.sequences.starts[at], self.sequences.starts[at + 1])
