"""Keeps encoded dialogues in memory and serves them as batches of similar length.

Each row of a batch is one dialogue from its first token, as at inference: no dialogue sees another.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import dialogue

ENCODED_AT_ONCE = 1000
LENGTH_STEP = 32  # lengths are rounded up to this, so that few different shapes occur


def batched(items: Iterator[list[dialogue.Message]], size: int) -> Iterator[list[list[dialogue.Message]]]:
    """Yields lists of up to `size` items."""
    while part := list(islice(items, size)):
        yield part


class Dialogues:
    """Encoded dialogues, end to end in two arrays; those longer than the context lose their last turns."""

    def __init__(self, rows: np.ndarray, labels: np.ndarray, starts: np.ndarray, cut: int):
        self.all_rows = rows
        self.all_labels = labels
        self.starts = starts
        self.lengths = np.diff(starts).tolist()
        self.cut = cut

    @staticmethod
    def encode(path: Path, tokenizer: Tokenizer, context: int, limit: int | None = None) -> "Dialogues":
        """Encodes a corpus file. Dialogues are cut after the last message that fits into `context` tokens."""
        rows, labels, starts, cut = [], [], [0], 0
        for part in batched(dialogue.read(path, limit), ENCODED_AT_ONCE):
            for ids, wanted in dialogue.encode_all(tokenizer, part):
                if len(ids) > context:
                    cut += 1
                    fitting = [end for _, end in dialogue.assistant_spans(wanted) if end <= context]
                    if not fitting:
                        continue
                    ids, wanted = ids[: fitting[-1]], wanted[: fitting[-1]]
                rows.append(np.array(ids, dtype=np.int16))
                labels.append(np.array(wanted, dtype=np.int16))
                starts.append(starts[-1] + len(ids))
        if not rows:
            raise SystemExit(f"{path} holds no usable dialogue")
        return Dialogues(np.concatenate(rows), np.concatenate(labels), np.array(starts), cut)

    def save(self, path: Path) -> None:
        """Writes the arrays for the other workers."""
        np.savez(path, rows=self.all_rows, labels=self.all_labels, starts=self.starts, cut=self.cut)

    @staticmethod
    def load(path: Path) -> "Dialogues":
        """Reads what `save` wrote."""
        with np.load(path) as saved:
            return Dialogues(saved["rows"], saved["labels"], saved["starts"], int(saved["cut"]))

    def __len__(self) -> int:
        return len(self.lengths)

    def tokens(self) -> int:
        """Counts the tokens of all dialogues."""
        return len(self.all_rows)

    def learned_share(self) -> float:
        """Returns the share of tokens that are learned."""
        return float((self.all_labels != dialogue.NO_LABEL).mean())

    def batch(self, picked: list[int]) -> tuple[Tensor, Tensor]:
        """Pads the picked dialogues; padding has no labels."""
        longest = max(self.lengths[at] for at in picked)
        longest = -(-longest // LENGTH_STEP) * LENGTH_STEP
        rows = torch.zeros((len(picked), longest), dtype=torch.long)
        labels = torch.full((len(picked), longest), dialogue.NO_LABEL, dtype=torch.long)
        for line, at in enumerate(picked):
            place = slice(self.starts[at], self.starts[at + 1])
            rows[line, : self.lengths[at]] = torch.from_numpy(self.all_rows[place].astype(np.int64))
            labels[line, : self.lengths[at]] = torch.from_numpy(self.all_labels[place].astype(np.int64))
        return rows, labels

    def groups(self, tokens_max: int, picked: list[int] | None = None) -> list[list[int]]:
        """Groups dialogues of similar length into batches of at most `tokens_max` padded tokens."""
        order = sorted(range(len(self)) if picked is None else picked, key=self.lengths.__getitem__)
        groups: list[list[int]] = [[]]
        for at in order:
            padded = -(-self.lengths[at] // LENGTH_STEP) * LENGTH_STEP
            if groups[-1] and (len(groups[-1]) + 1) * padded > tokens_max:
                groups.append([])
            groups[-1].append(at)
        return groups

    def stream(self, tokens_max: int, seed: int, part: int, parts: int) -> Iterator[list[int]]:
        """Yields batches for ever; each pass over the dialogues is shuffled anew and split among `parts` workers."""
        for epoch in range(1_000_000):
            shuffled = list(range(len(self)))
            random.Random(f"{seed}/{epoch}").shuffle(shuffled)
            groups = self.groups(tokens_max, shuffled[part::parts])
            random.Random(f"{seed}/{epoch}/{part}").shuffle(groups)
            yield from groups
