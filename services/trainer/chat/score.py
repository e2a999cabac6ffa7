"""Scores held-out dialogues: is each assistant message exactly what greedy decoding would write?

Greedy decoding reproduces a message if and only if, given the message so far, the best-scored token is the right one
at every position. So one pass over the reference text tells exactly, without decoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer

from .data import Dialogues
from .dialogue import NO_LABEL, assistant_spans, is_plan
from .model import Decoder


@dataclass
class Score:
    """Counts over held-out dialogues; loss is the mean over labels."""

    loss: float
    plans: int
    plans_exact: int
    replies: int
    replies_exact: int

    def line(self) -> str:
        """Shows the counts as one line."""
        return f"held-out loss {self.loss:.4f} plans exact {self.plans_exact}/{self.plans} replies exact {self.replies_exact}/{self.replies}"


@torch.no_grad()
def score(model: Decoder, tokenizer: Tokenizer, dialogues: Dialogues, tokens_max: int = 8192) -> Score:
    """Scores every dialogue."""
    total, count = 0.0, 0
    result = Score(0.0, 0, 0, 0, 0)
    for picked in dialogues.groups(tokens_max):
        rows, labels = dialogues.batch(picked)
        vectors = model(rows)
        wanted = labels != NO_LABEL
        logits = model.logits(vectors[wanted])
        total += torch.nn.functional.cross_entropy(logits, labels[wanted], reduction="sum").item()
        count += int(wanted.sum())
        right = torch.zeros_like(wanted)
        right[wanted] = logits.argmax(-1) == labels[wanted]
        for line in range(len(picked)):
            sequence = labels[line].tolist()
            for start, end in assistant_spans(sequence):
                exact = bool(right[line, start:end].all())
                if is_plan(tokenizer.decode(sequence[start : min(end, start + 8)])):
                    result.plans, result.plans_exact = result.plans + 1, result.plans_exact + exact
                else:
                    result.replies, result.replies_exact = result.replies + 1, result.replies_exact + exact
    result.loss = total / max(count, 1)
    return result
