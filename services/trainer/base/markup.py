"""Lays conversations out as the engine does: the file's own chat template, with contents tokenized apart.

The template is run with a mark in the place of each content and cut at the marks. Contents are tokenized as plain text,
so no word of a customer becomes a special token; the template's own text may hold special tokens.

Not here: reading and cutting conversations (`conversation`).
"""

from __future__ import annotations

import re

from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer

CONTROL = 3  # type of special tokens in the file
MARK = re.compile("qZ7mSlot[0-9]+x")
# A template that prints any role's name says nothing about tools. The engine takes it that one which spells `tool` has
# the role, and would else turn evidence into a customer's message.
KNOWS_TOOLS = "{# knows the role 'tool' #}"


def template_of(metadata: dict[str, object]) -> str:
    """Returns the file's chat template; one that does not name the role `tool` is told to know it."""
    source = str(metadata["tokenizer.chat_template"])
    return source if "'tool'" in source or '"tool"' in source else KNOWS_TOOLS + source


class Markup:
    """What stands around contents, in tokens."""

    def __init__(self, metadata: dict[str, object], tokenizer: Tokenizer):
        # As the reference renderer of chat templates sets them.
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        self.template = environment.from_string(template_of(metadata))
        tokens, types = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
        self.specials = {token: row for row, (token, kind) in enumerate(zip(tokens, types, strict=True)) if kind == CONTROL}
        self.special = re.compile("(" + "|".join(map(re.escape, sorted(self.specials, key=len, reverse=True))) + ")")
        self.tokenizer = tokenizer
        self.end = metadata["tokenizer.ggml.eos_token_id"]
        self.known: dict[str, list[int]] = {}  # pieces of markup
        self.laid_out: dict[tuple[str, ...], list[list[int]]] = {}  # orders of roles

    def around(self, roles: list[str]) -> list[list[int]]:
        """Returns the tokens before the first content, between each two, and behind the last one."""
        key = tuple(roles)
        if key not in self.laid_out:
            messages = [{"role": role, "content": f"qZ7mSlot{at}x"} for at, role in enumerate(roles)]
            texts = MARK.split(self.template.render(messages=messages, add_generation_prompt=False))
            if len(texts) != len(roles) + 1:
                raise SystemExit(f"the chat template leaves out a message of {roles}")
            self.laid_out[key] = [self._tokens(text) for text in texts]
        return self.laid_out[key]

    def _tokens(self, text: str) -> list[int]:
        if text not in self.known:
            rows: list[int] = []
            for part in self.special.split(text):
                rows += [self.specials[part]] if part in self.specials else self.tokenizer.encode(part).ids
            self.known[text] = rows
        return self.known[text]
