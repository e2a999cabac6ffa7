"""Keeps encoded conversations in memory and serves them in an order that a seed alone decides.

A step's batch is made of several small ones, each of sequences of like length, padded on the right. Nothing masks the
padding: attention looks back only, and padding is never learned.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from chat.dialogue import NO_LABEL

from .conversation import Encoder, Sequence, read

ENCODED_AT_ONCE = 1000
LENGTH_STEP = 32  # lengths are rounded up to this, so that few different shapes occur


class Sequences:
    """Encoded sequences, end to end in arrays."""

    def __init__(self, encoded: list[Sequence]):
        whole = lambda part, kind: np.concatenate([np.array(getattr(sequence, part), dtype=kind) for sequence in encoded])
        self.rows, self.labels = whole("rows", np.int32), whole("labels", np.int32)
        self.counts, self.given = whole("counts", np.float32), whole("given", np.bool_)
        self.starts = np.cumsum([0, *(len(sequence.rows) for sequence in encoded)])
        self.weights = np.array([sequence.weight for sequence in encoded], dtype=np.float32)
        self.lengths: list[int] = np.diff(self.starts).tolist()
        # What the learned tokens of each sequence count together.
        self.learned: list[float] = np.add.reduceat(np.where(self.labels != NO_LABEL, self.counts, 0), self.starts[:-1]).tolist()

    @staticmethod
    def encode(path: Path, encoder: Encoder, limit: int | None = None) -> "Sequences":
        """Encodes a file of conversations."""
        conversations = read(path, limit)
        encoded: list[Sequence] = []
        while part := list(islice(conversations, ENCODED_AT_ONCE)):
            encoded += encoder.encode(part)
        if not encoded:
            raise SystemExit(f"{path} holds nothing to learn")
        return Sequences(encoded)

    def __len__(self) -> int:
        return len(self.lengths)

    def learned_share(self) -> float:
        """Returns the share of tokens that are learned."""
        return float((self.labels != NO_LABEL).mean())

    def fingerprint(self) -> str:
        """Returns a hash of what decides the order: what is read, what is learned of it, and the weights of sequences."""
        digest = hashlib.sha256()
        for array in (self.rows, self.labels, self.starts, self.weights):
            digest.update(np.ascontiguousarray(array))
        return digest.hexdigest()

    def one(self, at: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Returns a sequence's rows, a line of them, its labels, how much they count, and what of it is given."""
        place = slice(self.starts[at], self.starts[at + 1])
        counts = torch.from_numpy(self.counts[place]) * float(self.weights[at])
        rows, labels = (torch.from_numpy(part[place].astype(np.int64)) for part in (self.rows, self.labels))
        return rows[None], labels, counts, torch.from_numpy(self.given[place])

    def batch(self, picked: list[int]) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the picked sequences' rows and labels, padded, and how much the labels count."""
        longest = self._padded(max(picked, key=self.lengths.__getitem__))
        rows = torch.zeros((len(picked), longest), dtype=torch.long)
        labels = torch.full((len(picked), longest), NO_LABEL, dtype=torch.long)
        counts = torch.zeros((len(picked), longest))
        for line, at in enumerate(picked):
            place = slice(self.starts[at], self.starts[at + 1])
            rows[line, : self.lengths[at]] = torch.from_numpy(self.rows[place].astype(np.int64))
            labels[line, : self.lengths[at]] = torch.from_numpy(self.labels[place].astype(np.int64))
            counts[line, : self.lengths[at]] = torch.from_numpy(self.counts[place]) * float(self.weights[at])
        return rows, labels, counts

    def groups(self, tokens_max: int, picked: list[int] | None = None) -> list[list[int]]:
        """Groups sequences of like length so that each group has at most `tokens_max` padded tokens, or one sequence."""
        order = sorted(range(len(self)) if picked is None else picked, key=self._padded)
        groups: list[list[int]] = []
        for at in order:
            if groups and (len(groups[-1]) + 1) * self._padded(at) <= tokens_max:
                groups[-1].append(at)
            else:
                groups.append([at])
        return groups

    def _padded(self, at: int) -> int:
        return -(-self.lengths[at] // LENGTH_STEP) * LENGTH_STEP


class Order:
    """Which groups make up each step, pass after pass."""

    def __init__(self, sequences: Sequences, batch_tokens: int, group_tokens: int, seed: int):
        self.sequences = sequences
        self.groups_a_step = max(1, batch_tokens // group_tokens)
        self.group_tokens = group_tokens
        self.seed = seed
        # A position in the order means the same only where all of these are the same.
        self.key = f"{sequences.fingerprint()} {self.groups_a_step} alike {group_tokens} {seed}"

    def steps(self, epoch: int) -> list[list[list[int]]]:
        """Returns the steps of a pass over all sequences: each is a list of groups of like length, so that no worker waits long."""
        shuffled = list(range(len(self.sequences)))
        random.Random(f"{self.seed}/{epoch}").shuffle(shuffled)
        groups = self.sequences.groups(self.group_tokens, shuffled)
        steps = [groups[at : at + self.groups_a_step] for at in range(0, len(groups), self.groups_a_step)]
        random.Random(f"{self.seed}/{epoch}/steps").shuffle(steps)
        return steps

    def steps_a_pass(self) -> int:
        """Counts the steps of a pass; lengths alone decide it, so every pass has as many."""
        return -(-len(self.sequences.groups(self.group_tokens)) // self.groups_a_step)

    def from_step(self, step: int) -> Iterator[list[list[int]]]:
        """Yields the steps from the given one on, for ever."""
        epoch, done = divmod(step, self.steps_a_pass())
        while True:
            yield from self.steps(epoch)[done:]
            epoch, done = epoch + 1, 0
