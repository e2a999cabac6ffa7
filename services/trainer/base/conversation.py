"""Reads conversations and turns each into sequences of tokens, of which the assistant's are learned.

A conversation is one sequence, because a later prompt only appends to an earlier one. One that is longer than a sequence
may be is split by whole turns: each part begins with the system message and a few earlier turns, which are not learned
again, as the engine forgets the oldest turns.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from chat.dialogue import NO_LABEL, is_plan

from .markup import Markup

ROLES = ("system", "user", "assistant", "tool")
GIVEN = ("system", "tool")  # what they say was not said by anybody in the conversation
REFERENCE = re.compile(r"\{\{.*?\}\}")
EARLIER_SHARE = 0.5  # of a part's tokens, for turns that give context only

Message = dict[str, str]


@dataclass(frozen=True)
class Conversation:
    """Messages, how much their loss counts (1 unless said otherwise), and the places of those of the assistant that are not learned."""

    messages: list[Message]
    weight: float
    unlearned: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Sequence:
    """Token rows and, for each, the row that must follow it or NO_LABEL; how much that counts; and whether it is given."""

    rows: list[int]
    labels: list[int]
    weight: float
    counts: list[float]
    given: list[bool]


def read(path: Path, limit: int | None = None) -> Iterator[Conversation]:
    """Yields each line's conversation; a line that is none stops the run with its number."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if limit is not None and number > limit:
                return
            try:
                fields = json.loads(line)
                messages = [{"role": m["role"], "content": m["content"]} for m in fields["messages"]]
                unlearned = frozenset(at for at, m in enumerate(fields["messages"]) if m.get("learn") is False)
                conversation = Conversation(messages, float(fields.get("weight", 1)), unlearned)
            except (ValueError, KeyError, TypeError) as cause:
                raise SystemExit(f"{path}:{number}: not a conversation: {cause!r}") from cause
            for message in conversation.messages:
                if message["role"] not in ROLES or not isinstance(message["content"], str):
                    raise SystemExit(f"{path}:{number}: a role that is none of {ROLES}, or content that is no text")
            yield conversation


class Encoder:
    """Turns conversations into sequences of at most `tokens_max` tokens, and counts what does not fit."""

    def __init__(self, tokenizer: Tokenizer, markup: Markup, tokens_max: int, words_count: float = 1.0):
        """Plain words of a reply count `words_count`; calls, references, and where a reply begins and ends count 1."""
        self.tokenizer = tokenizer
        self.markup = markup
        self.tokens_max = tokens_max
        self.words_count = words_count
        self.split = 0  # conversations that became several sequences
        self.left_out = 0  # turns that are too long alone

    def encode(self, conversations: list[Conversation]) -> list[Sequence]:
        """Returns the sequences of all conversations, in order; those without anything to learn are left out."""
        texts = [message["content"] for conversation in conversations for message in conversation.messages]
        contents = iter(self.tokenizer.encode_batch(texts))
        sequences = []
        for conversation in conversations:
            roles = [message["role"] for message in conversation.messages]
            encoded = [next(contents) for _ in roles]
            rows = [content.ids for content in encoded]
            counts = [self._counts(message["content"], content.offsets) for message, content in zip(conversation.messages, encoded, strict=True)]
            for kept, learned_from in self._parts(roles, rows):
                learned = [roles[at] == "assistant" and at >= learned_from and at not in conversation.unlearned for at in kept]
                laid_out = self._lay_out([roles[at] for at in kept], [rows[at] for at in kept], [counts[at] for at in kept], learned)
                if laid_out[0]:
                    ids, labels, counted, given = laid_out
                    sequences.append(Sequence(ids, labels, conversation.weight, counted, given))
        return sequences

    def prompt(self, messages: list[Message]) -> list[int]:
        """Returns what the model has read when it begins to write the last message."""
        around = self.markup.around([message["role"] for message in messages])
        rows = list(around[0])
        for message, behind in zip(messages[:-1], around[1:]):
            rows += [*self.tokenizer.encode(message["content"]).ids, *behind]
        return rows

    def _parts(self, roles: list[str], rows: list[list[int]]) -> Iterator[tuple[list[int], int]]:
        """Yields for each part the messages in it, and the first one that is learned in it."""
        everything = list(range(len(roles)))
        if self._fits(everything, roles, rows):
            if everything:
                yield everything, 0
            return
        self.split += 1
        head = [at for at in everything[:1] if roles[at] == "system"]
        starts = [at for at in everything[len(head):] if roles[at] == "user" or at == len(head)]
        turns = [list(range(start, end)) for start, end in zip(starts, [*starts[1:], len(roles)], strict=True)]
        first = 0
        while first < len(turns):
            part = head + turns[first]
            if not self._fits(part, roles, rows):
                self.left_out += 1
                first += 1
                continue
            for earlier in reversed(turns[:first]):
                wider = head + earlier + part[len(head):]
                context = wider[: wider.index(turns[first][0])]
                if not (self._fits(context, roles, rows, EARLIER_SHARE) and self._fits(wider, roles, rows)):
                    break
                part = wider
            learned_from = turns[first][0]
            first += 1
            while first < len(turns) and self._fits(part + turns[first], roles, rows):
                part = part + turns[first]
                first += 1
            yield part, learned_from

    def _fits(self, kept: list[int], roles: list[str], rows: list[list[int]], share: float = 1.0) -> bool:
        markup = self.markup.around([roles[at] for at in kept])
        return sum(map(len, markup)) + sum(len(rows[at]) for at in kept) <= self.tokens_max * share

    def _counts(self, text: str, offsets: list[tuple[int, int]]) -> list[float]:
        """Returns how much each token counts where it is learned."""
        if self.words_count == 1 or is_plan(text):
            return [1.0] * len(offsets)
        references = [found.span() for found in REFERENCE.finditer(text)]
        refers = lambda start, end: any(start < last and first < end for first, last in references)
        return [1.0 if at == 0 or refers(*place) else self.words_count for at, place in enumerate(offsets)]

    def _lay_out(
        self, roles: list[str], contents: list[list[int]], counts: list[list[float]], learned_messages: list[bool]
    ) -> tuple[list[int], list[int], list[float], list[bool]]:
        """Joins markup and contents; ends with the last learned token, since nothing behind it teaches anything."""
        around = self.markup.around(roles)
        whole, used = list(around[0]), 0
        learned, counted, given = [False] * len(whole), [1.0] * len(whole), [False] * len(whole)
        for role, content, counts_here, behind, is_learned in zip(roles, contents, counts, around[1:], learned_messages, strict=True):
            if is_learned and behind[0] != self.markup.end:
                raise SystemExit("the chat template does not end the assistant's messages with the end token")
            whole += [*content, *behind]
            learned += [is_learned] * (len(content) + 1) + [False] * (len(behind) - 1)
            counted += [*counts_here, *[1.0] * len(behind)]
            given += [role in GIVEN] * len(content) + [False] * len(behind)
            if is_learned:
                used = len(whole) - len(behind) + 1
        labels = [row if is_learned else NO_LABEL for row, is_learned in zip(whole[1:used], learned[1:used], strict=True)]
        last = max(0, used - 1)
        return whole[:last], labels, counted[1:used], given[:last]
