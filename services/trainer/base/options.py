"""The options of `base.train`, and their defaults."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import torch

from .device import PRECISIONS
from .methods import METHODS

GRADIENTS = ("all", "said")
RATES = {"lora": 2e-3, "upper": 3e-4}
BATCH_TOKENS = {"cpu": 4096, "cuda": 16_384}
# What goes through the decoder at once: enough to keep the device busy, and not more than its memory holds.
GROUP_TOKENS = {"cpu": 2048, "cuda": 16_384}


def parse(description: str, arguments: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line; defaults that depend on other options are filled in."""
    parser = argparse.ArgumentParser(description=description)
    files = parser.add_argument_group("files")
    files.add_argument("--base", type=Path, required=True, help="GGUF file of the base model")
    files.add_argument("--corpus", type=Path, required=True)
    files.add_argument("--heldout", type=Path, required=True)
    files.add_argument("--out", type=Path, required=True, help="folder of the run: checkpoint.pt and progress.jsonl")
    files.add_argument("--start", type=Path, help="a checkpoint of another run to begin with, its weights only")
    files.add_argument("--limit", type=int, help="conversations to load at most")
    files.add_argument("--heldout-limit", type=int, default=30, help="held-out conversations to score")
    files.add_argument("--tokens-max", type=int, default=2048, help="longer conversations are split by whole turns")

    learning = parser.add_argument_group("learning")
    budget = learning.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="wall clock, counted over all starts of the run")
    budget.add_argument("--epochs", type=float, help="passes over the corpus")
    learning.add_argument("--method", choices=METHODS, default="lora")
    learning.add_argument("--layers", type=int, help="upper layers that are trained; default: all with lora, half with upper")
    learning.add_argument("--rank", type=int, default=32, help="of lora's adapters")
    learning.add_argument("--alpha", type=float, default=64, help="lora's adapters count alpha / rank times")
    learning.add_argument("--rate", type=float, help=f"peak of the learning rate; default: {RATES}")
    learning.add_argument("--gradients", choices=GRADIENTS, default="all",
                          help="said: none through rules and evidence, which are most tokens; twice as fast on a processor")
    learning.add_argument("--words-count", type=float, default=1, help="how much plain words of replies count; calls and references count 1")
    learning.add_argument("--batch-tokens", type=int, help=f"of a step, padding included; default: {BATCH_TOKENS}")
    learning.add_argument("--mean-steps", type=int, default=0,
                          help="score and keep the mean of about the last N steps' weights: as good as slowing down, at any time; 0: the weights themselves")
    learning.add_argument("--seed", type=int, default=1)

    machine = parser.add_argument_group("machine")
    machine.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    machine.add_argument("--precision", choices=PRECISIONS, default="auto", help="auto: bf16 where there are units for it")
    machine.add_argument("--workers", type=int, help="processes of one thread each that share a step; default: one for each processor core, 1 with a GPU")
    machine.add_argument("--threads", type=int, default=os.cpu_count(), help="of a single worker")
    machine.add_argument("--group-tokens", type=int, help=f"computed at once; default: {GROUP_TOKENS}")
    machine.add_argument("--score-minutes", type=float, default=10)
    machine.add_argument("--save-minutes", type=float, default=2)

    args = parser.parse_args(arguments)
    if args.device == "auto":
        args.device = "cuda" if torch.cuda.is_available() else "cpu"
    args.workers = args.workers or (1 if args.device == "cuda" else os.cpu_count())
    if args.device == "cuda" and args.workers > 1:
        parser.error("one GPU has one worker")
    args.rate = args.rate or RATES[args.method]
    args.batch_tokens = args.batch_tokens or BATCH_TOKENS[args.device]
    args.group_tokens = min(args.group_tokens or GROUP_TOKENS[args.device], args.batch_tokens // args.workers)
    return args
