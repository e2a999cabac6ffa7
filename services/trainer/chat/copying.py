"""Makes batches that teach nothing but copying: random words said by the user come back from the assistant.

Mixed into the first part of a training, they form the attention that finds and repeats a span; plans need it for
words that no dialogue held. Each row holds several exchanges; the first copied piece loses its leading space, as a
customer's word does behind a quotation mark.
"""

from __future__ import annotations

import random

import torch
from tokenizers import Tokenizer
from torch import Tensor

from .dialogue import END, NO_LABEL, SPECIALS

ROW_TOKENS = 192
PIECES_MAX = 20


class Copying:
    """A seeded stream of copying batches."""

    def __init__(self, tokenizer: Tokenizer, seed: int):
        self.random = random.Random(seed)
        vocabulary = tokenizer.get_vocab()
        self.user, self.assistant, self.end = (vocabulary[token] for token in ("<|user|>", "<|assistant|>", END))
        self.pieces = [row for token, row in vocabulary.items() if token not in SPECIALS]
        self.bare = {row: vocabulary[token[1:]] for token, row in vocabulary.items() if token.startswith("Ġ") and token[1:] in vocabulary}

    def batch(self, tokens_max: int) -> tuple[Tensor, Tensor]:
        """Returns rows and labels of about `tokens_max` tokens."""
        made = [self._row() for _ in range(max(1, tokens_max // ROW_TOKENS))]
        return torch.tensor([rows for rows, _ in made]), torch.tensor([labels for _, labels in made])

    def _row(self) -> tuple[list[int], list[int]]:
        rows: list[int] = []
        labels: list[int] = []
        while len(rows) < ROW_TOKENS:
            said = self.random.choices(self.pieces, k=self.random.randint(3, PIECES_MAX))
            start = self.random.randrange(min(4, len(said) - 1))
            span = said[start : start + self.random.randint(2, PIECES_MAX)]
            # the span's first piece shows where to copy from; the rest is learned
            first = self.bare.get(span[0], span[0])
            copy = [*span[1:], self.end]
            turn = [self.user, *said, self.end, self.assistant, first, *copy]
            wanted = [NO_LABEL] * len(turn)
            wanted[-len(copy) - 1 : -1] = copy
            if start + len(span) < len(said):
                wanted[-2] = NO_LABEL  # where a span ends inside the words cannot be known
            rows += turn
            labels += wanted
        return rows[:ROW_TOKENS], labels[:ROW_TOKENS]
