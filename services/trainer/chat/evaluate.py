"""Measures an exported chat GGUF on held-out dialogues by decoding greedily, without any grammar.

    python -m chat.evaluate --model mercer-chat-v1.gguf --heldout heldout.jsonl --dialogues 100

Counts plans equal to the reference to the letter (and, apart, right tools), replies equal to the letter, and replies
whose references `{{...}}` are the reference's as a set. The history before each message is the reference's. The
service binds arguments and references by grammar, so its figures are better than these.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path

import torch
from tokenizers import Tokenizer

from . import gguf_model
from .dialogue import END, is_plan, read
from .model import Decoder

NEW_TOKENS_MAX = 160
REFERENCE = re.compile(r"\{\{[^{}]*\}\}")


@torch.no_grad()
def greedy(model: Decoder, tokenizer: Tokenizer, rows: list[int], pasts: list[list[torch.Tensor]], start: int) -> str:
    """Continues `rows` (the first `start` are in `pasts` already) up to <|end|>; `pasts` keeps only what was fed."""
    end = tokenizer.token_to_id(END)
    fed = torch.tensor([rows[start:]])
    written: list[int] = []
    at = start
    while at + fed.shape[1] < model.shape.context and len(written) < NEW_TOKENS_MAX:
        row = int(model.logits(model(fed, pasts, at)[0, -1]).argmax())
        at += fed.shape[1]
        if row == end:
            break
        written.append(row)
        fed = torch.tensor([[row]])
    return tokenizer.decode(written)


def tools(plan: str) -> list[str] | None:
    """Lists a plan's tools, or None where the plan is no JSON of the right shape."""
    try:
        return [call["tool"] for call in json.loads(plan)["calls"]]
    except (ValueError, KeyError, TypeError):
        return None


def evaluate(model: Decoder, tokenizer: Tokenizer, path: Path, limit: int, show: int) -> dict[str, int]:
    """Decodes every assistant message of the held-out dialogues and counts what is right."""
    counts = dict.fromkeys(["plans", "plans_exact", "plans_tools_right", "replies", "replies_exact", "replies_references_right", "beyond_context"], 0)
    for messages in read(path, limit):
        rows: list[int] = []
        for message in messages:
            rows.append(tokenizer.token_to_id(f"<|{message['role']}|>"))
            reference = message["content"]
            ids = [*tokenizer.encode(reference).ids, tokenizer.token_to_id(END)]
            if message["role"] == "assistant":
                if len(rows) + len(ids) >= model.shape.context:
                    counts["beyond_context"] += 1
                    break
                got = greedy(model, tokenizer, rows, [[] for _ in model.blk], 0)
                _count(counts, reference, got)
                if got != reference and show > 0:
                    show -= 1
                    print(f"wanted {reference}\n   got {got}\n")
            rows += ids
    return counts


def _count(counts: dict[str, int], reference: str, got: str) -> None:
    if is_plan(reference):
        counts["plans"] += 1
        counts["plans_exact"] += got == reference
        counts["plans_tools_right"] += tools(got) == tools(reference)
    else:
        counts["replies"] += 1
        counts["replies_exact"] += got == reference
        counts["replies_references_right"] += set(REFERENCE.findall(got)) == set(REFERENCE.findall(reference))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--dialogues", type=int, default=100)
    parser.add_argument("--show", type=int, default=5, help="how many misses to print")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, tokenizer = gguf_model.load(args.model)
    print(json.dumps(evaluate(model, tokenizer, args.heldout, args.dialogues, args.show), indent=2))


if __name__ == "__main__":
    main()
