"""Reads dialogues and lays them out as the chat template does.

Each message becomes `<|role|>content<|end|>`. The model learns the assistant's contents and their `<|end|>` only.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer

ROLES = ["system", "user", "assistant", "tool"]
END = "<|end|>"
SPECIALS = [*(f"<|{role}|>" for role in ROLES), END]
CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
NO_LABEL = -100

Message = dict[str, str]


def read(path: Path, limit: int | None = None) -> Iterator[list[Message]]:
    """Yields each line's messages; a line that is not a dialogue stops the run with its number."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if limit is not None and number > limit:
                return
            try:
                messages = json.loads(line)["messages"]
                well_formed = all(message["role"] in ROLES and isinstance(message["content"], str) for message in messages)
            except (ValueError, KeyError, TypeError) as cause:
                raise SystemExit(f"{path}:{number}: not a dialogue: {cause}") from cause
            if not well_formed:
                raise SystemExit(f"{path}:{number}: unknown role or content that is no text")
            yield messages


def encode_all(tokenizer: Tokenizer, dialogues: list[list[Message]]) -> list[tuple[list[int], list[int]]]:
    """Returns for each dialogue its token rows and, for each row, the one that must follow it or NO_LABEL."""
    end = tokenizer.token_to_id(END)
    role_rows = {role: tokenizer.token_to_id(f"<|{role}|>") for role in ROLES}
    contents = iter(tokenizer.encode_batch_fast([message["content"] for messages in dialogues for message in messages]))
    encoded = []
    for messages in dialogues:
        rows: list[int] = []
        labels: list[int] = []  # of the row itself, moved by one at the end
        for message in messages:
            content = [*next(contents).ids, end]
            rows += [role_rows[message["role"]], *content]
            labels += [NO_LABEL, *(content if message["role"] == "assistant" else [NO_LABEL] * len(content))]
        encoded.append((rows[:-1], labels[1:]))
    return encoded


def assistant_spans(labels: list[int]) -> list[tuple[int, int]]:
    """Returns the start and end of each run of labels: one assistant message each."""
    spans, start = [], None
    for at, label in enumerate([*labels, NO_LABEL]):
        if label != NO_LABEL and start is None:
            start = at
        elif label == NO_LABEL and start is not None:
            spans.append((start, at))
            start = None
    return spans


def is_plan(content: str) -> bool:
    """Tells a plan (one line of JSON) from a reply."""
    return content.startswith('{"calls"')
