"""Keeps what the frozen blocks at the bottom make of each sequence, so that later passes begin above them.

They never change in a run, and are a quarter of its work where the upper half is trained. The vectors lie in a file that
the workers share and that outlives them: a run that goes on finds what was made before.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import torch
from torch import Tensor

from .data import Sequences
from .model import Decoder


class Lower:
    """The lower blocks of a decoder, with a memory."""

    def __init__(self, decoder: Decoder, frozen: int, sequences: Sequences, folder: Path, made_by: str):
        """Nothing is kept without frozen blocks, or where the disk has no room. `made_by` names the base and the precision."""
        self.decoder, self.frozen, self.sequences = decoder, frozen, sequences
        self.sums = None
        if frozen == 0:
            return
        width, count = decoder.shape.width, len(sequences.rows)
        # Another base, precision, corpus or number of blocks makes other vectors.
        key = hashlib.sha256(f"{made_by} {sequences.fingerprint()} {frozen}".encode()).hexdigest()[:16]
        path, size = folder / f"lower-{key}.bin", count * width + len(sequences)
        for other in set(folder.glob("lower-*.bin")) - {path}:
            other.unlink(missing_ok=True)
        try:
            with path.open("ab") as file:  # a place that cannot be written later would end the process
                os.posix_fallocate(file.fileno(), 0, 4 * size)
        except OSError as cause:
            path.unlink(missing_ok=True)
            print(f"what the lower blocks make is not kept: {4 * size / 1e9:.1f} GB in {folder}: {cause.strerror}", flush=True)
            return
        numbers = torch.from_file(str(path), shared=True, size=size, dtype=torch.float32)
        self.vectors = numbers[: count * width].view(count, width)
        # What each sequence's vectors add up to: a machine that crashed may have left some of them unwritten.
        self.sums = numbers[count * width :]

    def __call__(self, rows: Tensor, picked: list[int]) -> Tensor:
        """Returns the vectors of the picked sequences' padded rows."""
        if self.sums is None:
            return self.decoder.lower(rows, self.frozen)
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
