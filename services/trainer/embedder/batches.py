"""Turns texts into padded batches of token rows."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .bert import Encoder

PAD_ROW = 0


def padded(encodings: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Returns token rows padded to the longest text, and a mask that is true on real tokens."""
    longest = max(map(len, encodings))
    rows = torch.full((len(encodings), longest), PAD_ROW, dtype=torch.long)
    present = torch.zeros((len(encodings), longest), dtype=torch.bool)
    for at, ids in enumerate(encodings):
        rows[at, : len(ids)] = torch.tensor(ids)
        present[at, : len(ids)] = True
    return rows, present


def by_length(encodings: list[list[int]], tokens_max: int) -> list[list[int]]:
    """Groups texts of similar length so that little is padding. Returns lists of positions."""
    order = sorted(range(len(encodings)), key=lambda at: len(encodings[at]))
    groups: list[list[int]] = [[]]
    for at in order:
        if (len(groups[-1]) + 1) * len(encodings[at]) > tokens_max and groups[-1]:
            groups.append([])
        groups[-1].append(at)
    return groups


@torch.no_grad()
def embed(encoder: Encoder, tokenizer: Tokenizer, texts: list[str], tokens_max: int = 4096) -> Tensor:
    """Embeds texts in their order; one vector of length 1 per text."""
    encodings = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    vectors = torch.zeros(len(texts), encoder.shape.width)
    for group in by_length(encodings, tokens_max):
        vectors[group] = encoder(*padded([encodings[at] for at in group]))
    return vectors
