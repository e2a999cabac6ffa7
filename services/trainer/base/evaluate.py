"""Measures a GGUF, exported or a base as it is, on held-out conversations.

    python -m base.evaluate --model mercer-chat.gguf --heldout heldout.jsonl --conversations 100

Tells the loss, and how many assistant messages greedy decoding would write to the letter given the reference's history:
plans (which begin with `{"calls"`) and replies apart. The service binds arguments and references by grammar, and a reply
has several good wordings, so both are lower bounds. `--show` decodes and prints some that differ.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import torch

from parallel import Group

from .conversation import Encoder, read
from .data import Sequences
from .device import PRECISIONS, Device
from .markup import Markup
from .read import Base, read_base
from .score import score

NEW_TOKENS_MAX = 300


@torch.no_grad()
def decode(base: Base, device: Device, rows: list[int], end: int) -> str:
    """Continues a prompt greedily up to the end token."""
    pasts: list[list[torch.Tensor]] = [[] for _ in base.decoder.blk]
    written: list[int] = []
    fed, start = rows, 0
    while len(written) < NEW_TOKENS_MAX:
        with device.autocast():
            vectors = base.decoder(torch.tensor([fed], device=device.name), pasts=pasts, start=start)
            row = int(base.decoder.logits(vectors[0, -1]).argmax())
        if row == end:
            break
        written.append(row)
        fed, start = [row], start + len(fed)
    return base.tokenizer.decode(written)


def show(base: Base, device: Device, encoder: Encoder, path: Path, count: int) -> None:
    """Prints the first messages that are decoded otherwise than the reference."""
    for conversation in read(path):
        for at, message in enumerate(conversation.messages):
            if message["role"] != "assistant":
                continue
            prompt = encoder.prompt(conversation.messages[: at + 1])
            got = decode(base, device, prompt, encoder.markup.end)
            if got != message["content"]:
                print(f"wanted {message['content']}\n   got {got}\n", flush=True)
                count -= 1
            if count == 0:
                return


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--conversations", type=int, default=100)
    parser.add_argument("--tokens-max", type=int, default=2048)
    parser.add_argument("--show", type=int, default=0, help="how many misses to print")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = Device.choose(args.device, args.precision)
    base = read_base(args.model)
    base.decoder.requires_grad_(False)
    device.place(base.decoder)
    encoder = Encoder(base.tokenizer, Markup(base.metadata, base.tokenizer), args.tokens_max)
    heldout = Sequences.encode(args.heldout, encoder, args.conversations)
    print(json.dumps(vars(score(base.decoder, base.tokenizer, heldout, device, Group(0, 1))), indent=2), flush=True)
    if args.show:
        show(base, device, encoder, args.heldout, args.show)


if __name__ == "__main__":
    main()
