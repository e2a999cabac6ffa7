"""Scores held-out conversations: their loss, and is each assistant message what greedy decoding would write?

Greedy decoding reproduces a message if and only if, given the messages before it and its own beginning, the best-scored
token is the right one at every place. So one pass over the reference tells exactly, without decoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from chat.dialogue import NO_LABEL, assistant_spans, is_plan
from parallel import Group

from .data import Sequences
from .device import Device
from .model import Decoder

OPENING_TOKENS = 8  # enough to tell a plan from a reply
GROUP_TOKENS = 2048  # no gradients are kept, but every learned token has its scores of the whole vocabulary


@dataclass
class Score:
    """Counts; loss is the mean over learned tokens."""

    loss: float
    plans: int
    plans_exact: int
    replies: int
    replies_exact: int

    def line(self) -> str:
        """Shows the counts as one line."""
        return f"held-out loss {self.loss:.4f}, plans exact {self.plans_exact}/{self.plans}, replies exact {self.replies_exact}/{self.replies}"


@torch.no_grad()
def score(decoder: Decoder, tokenizer: Tokenizer, sequences: Sequences, device: Device, group: Group) -> Score:
    """Scores every sequence; the workers share them, and all get the result."""
    total, count, plans, plans_exact, replies, replies_exact = 0.0, 0, 0, 0, 0, 0
    for picked in sequences.groups(GROUP_TOKENS)[group.rank :: group.size]:
        rows, labels, _ = sequences.batch(picked)
        wanted = labels != NO_LABEL
        with device.autocast():
            vectors = decoder(rows.to(device.name))
            logits = decoder.logits(vectors[wanted.to(device.name)]).float()
        answers = labels[wanted].to(device.name)
        total += F.cross_entropy(logits, answers, reduction="sum").item()
        count += len(answers)
        right = torch.zeros_like(wanted)
        right[wanted] = (logits.argmax(-1) == answers).cpu()
        for line, sequence in enumerate(labels.tolist()):
            for start, end in assistant_spans(sequence):
                is_exact = bool(right[line, start:end].all())
                if is_plan(tokenizer.decode(sequence[start : min(end, start + OPENING_TOKENS)])):
                    plans, plans_exact = plans + 1, plans_exact + is_exact
                else:
                    replies, replies_exact = replies + 1, replies_exact + is_exact
    sums = [group.size * mean for mean in group.mean(total, count, plans, plans_exact, replies, replies_exact)]
    return Score(sums[0] / max(1, sums[1]), *(round(value) for value in sums[2:]))
