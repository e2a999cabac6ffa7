"""Trains the chat model until a wall-clock budget ends; can be stopped at any time and resumed.

    python -m chat.train --corpus train.jsonl --heldout heldout.jsonl --out RUN_DIR --minutes 60

Run `python -m chat.tokenizer` first, or start from a shipped model with `--start MODEL.gguf`, which brings its own
tokenizer and may get more layers than it had. A checkpoint is written every two minutes and at SIGTERM or SIGINT; the same
command with the same --out goes on from it, and minutes already trained count. Not here: the corpus (the mercer
binary writes it), the GGUF (export.py).
"""

from __future__ import annotations

import argparse
import json
import math
import signal
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

from parallel import Group, launch

from . import gguf_model
from . import tokenizer as tokenizer_file
from .copying import Copying
from .data import Dialogues
from .dialogue import NO_LABEL, SPECIALS
from .model import Decoder, Shape
from .muon import Muon
from .score import score

LOG_SECONDS = 20
WARM_UP = 0.02  # of the budget
RATE_LAST = 0.02  # of the peak rate


def learning_rate(progress: float, peak: float) -> float:
    """Warms up linearly, then follows half a cosine down."""
    if progress < WARM_UP:
        return peak * max(progress / WARM_UP, 0.02)
    return peak * (RATE_LAST + (1 - RATE_LAST) * 0.5 * (1 + math.cos(math.pi * min(1, (progress - WARM_UP) / (1 - WARM_UP)))))


def pair_spaced_pieces(model: Decoder, pieces: dict[str, int]) -> None:
    """Starts `Ġpiece` at the vector of `piece` plus one shared offset, so both forms of a word begin as kin."""
    table = model.token_embd.weight.data
    offset = torch.randn(table.shape[1]) * 0.02
    for piece, row in pieces.items():
        if len(piece) > 1 and piece.startswith("Ġ") and piece[1:] in pieces:
            table[row] = 0.8 * table[pieces[piece[1:]]] + 0.6 * offset + 0.3 * table[row]


def start_from(model: Decoder, path: Path) -> None:
    """Takes over a trained model's weights; layers that it lacks begin as ones that change nothing."""
    trained, _ = gguf_model.load(path)
    weights = trained.state_dict()
    for name, weight in model.state_dict().items():
        is_new_layer = name not in weights
        if is_new_layer and name.endswith(("attn_output.weight", "ffn_down.weight")):
            weights[name] = torch.zeros_like(weight)
        elif is_new_layer:
            weights[name] = weight
    model.load_state_dict(weights)


def optimizers(model: Decoder, workers: Group, args: argparse.Namespace) -> list[torch.optim.Optimizer]:
    """AdamW for all, or Muon for the layers' matrices and AdamW for the rest. Each group knows its peak rate."""
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and name.startswith("blk.")]
    others = [p for name, p in model.named_parameters() if not (p.dim() == 2 and name.startswith("blk."))]
    adam = {"betas": (0.9, 0.98), "fused": True}
    if args.optimizer == "adamw":
        groups = [{"params": matrices, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}]
        made = [torch.optim.AdamW(groups, lr=args.learning_rate, **adam)]
    else:
        made = [Muon(matrices, workers, lr=args.muon_rate),
                torch.optim.AdamW([{"params": others, "weight_decay": 0.0}], lr=args.learning_rate, **adam)]
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made


def save(path: Path, model: Decoder, made: list[torch.optim.Optimizer], seconds: float, step: int, tokens: int) -> None:
    """Writes a checkpoint so that a crash leaves the old or the new one, never half."""
    part = path.with_suffix(".part")
    torch.save({"shape": model.shape.to_dict(), "model": model.state_dict(), "optimizers": [o.state_dict() for o in made],
                "seconds": seconds, "step": step, "tokens": tokens}, part)
    part.replace(path)


def prepare(args: argparse.Namespace, tokenizer: Tokenizer) -> None:
    """Encodes the corpus into the run's folder, unless the same corpus lies there encoded already."""
    files = [path.stat() for path in (args.corpus, args.out / "tokenizer.json")]
    key = json.dumps([[file.st_mtime_ns, file.st_size] for file in files] + [args.context, args.limit])
    encoded, key_file = args.out / "train.npz", args.out / "train.key"
    if encoded.exists() and key_file.exists() and key_file.read_text() == key:
        return
    Dialogues.encode(args.corpus, tokenizer, args.context, args.limit).save(encoded)
    key_file.write_text(key)


def run(group: Group, args: argparse.Namespace) -> None:
    """Trains in one worker; the first one logs, scores and saves."""
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    torch.manual_seed(args.seed)
    if args.start and group.is_first and not (args.out / "tokenizer.json").exists():
        args.out.mkdir(parents=True, exist_ok=True)
        gguf_model.load(args.start)[1].save(str(args.out / "tokenizer.json"))
    group.mean(0.0)  # the others wait for the file
    tokenizer = tokenizer_file.load(args.out / "tokenizer.json")
    shape = Shape(vocabulary=tokenizer.get_vocab_size(), width=args.width, layers=args.layers, heads=args.heads,
                  feed_forward=args.feed_forward, context=args.context)
    model = Decoder(shape)
    if args.start:
        start_from(model, args.start)
    else:
        pair_spaced_pieces(model, {token: row for token, row in tokenizer.get_vocab().items() if token not in SPECIALS})
    made = optimizers(model, group, args)
    seconds, step, tokens, checkpoint = 0.0, 0, 0, args.out / "checkpoint.pt"
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        if saved["shape"] != shape.to_dict():
            raise SystemExit(f"{checkpoint} has another shape: {saved['shape']}")
        model.load_state_dict(saved["model"])
        for optimizer, state in zip(made, saved["optimizers"], strict=True):
            optimizer.load_state_dict(state)
        seconds, step, tokens = saved["seconds"], saved["step"], saved["tokens"]

    if group.is_first:
        prepare(args, tokenizer)
    group.mean(0.0)  # the others wait for the file
    train = Dialogues.load(args.out / "train.npz")
    heldout = Dialogues.encode(args.heldout, tokenizer, args.context, args.heldout_limit) if group.is_first else None
    batches = train.stream(args.batch_tokens, args.seed + step, group.rank, group.size)
    copying = Copying(tokenizer, args.seed * 1000 + step * group.size + group.rank)
    parameters = list(model.parameters())
    forward = torch.compile(model, dynamic=True) if args.compile else model
    if group.is_first:
        print(f"{model.parameter_count() / 1e6:.2f} M parameters, {len(train)} dialogues, {train.tokens() / 1e6:.2f} M tokens "
              f"({train.learned_share():.0%} learned), {train.cut} cut at {args.context}, from step {step}", flush=True)

    earlier, started = seconds, time.time()
    logged = scored = saved_at = started
    logged_tokens, logged_cpu, loss_mean, copying_loss = tokens, time.process_time(), 0.0, math.nan
    while True:
        seconds = earlier + time.time() - started
        progress, any_stopping = group.mean(seconds / (args.minutes * 60), float(stopping))
        if progress >= 1 or any_stopping > 0:
            break
        is_copying = step % 2 == 1 and progress < args.copy_share
        rows, labels = copying.batch(args.batch_tokens) if is_copying else train.batch(next(batches))
        wanted = labels != NO_LABEL
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            logits = model.logits(forward(rows)[wanted])
        loss = F.cross_entropy(logits.float(), labels[wanted])
        for optimizer in made:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        group.average_gradients(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for optimizer in made:
            for settings in optimizer.param_groups:
                settings["lr"] = learning_rate(progress, settings["peak"])
            optimizer.step()
        step, tokens = step + 1, tokens + rows.numel() * group.size
        if is_copying:
            copying_loss = loss.item()
        else:
            loss_mean = loss.item() if loss_mean == 0.0 else 0.95 * loss_mean + 0.05 * loss.item()
        if not group.is_first:
            continue
        now = time.time()
        if now - logged >= LOG_SECONDS:
            speed = (tokens - logged_tokens) / (now - logged)
            speed_cpu = (tokens - logged_tokens) / group.size / (time.process_time() - logged_cpu)
            print(f"{progress:6.1%} {seconds / 60:5.1f} min step {step} loss {loss_mean:.4f} copying {copying_loss:.3f} {tokens / 1e6:.2f} M tokens, "
                  f"{speed:.0f} a second, {speed_cpu:.0f} a second of one core", flush=True)
            logged, logged_tokens, logged_cpu = now, tokens, time.process_time()
        if now - scored >= args.score_minutes * 60:
            print(score(model, tokenizer, heldout).line(), flush=True)
            scored = time.time()
        if now - saved_at >= args.save_minutes * 60:
            save(checkpoint, model, made, seconds, step, tokens)
            saved_at = time.time()

    if group.is_first:
        save(checkpoint, model, made, seconds, step, tokens)
        result = score(model, tokenizer, heldout)
        print(result.line(), flush=True)
        report = {"minutes": round(seconds / 60, 1), "steps": step, "tokens": tokens, "parameters": model.parameter_count(),
                  "dialogues": len(train), "optimizer": args.optimizer, "workers": group.size, "shape": shape.to_dict(), "heldout": result.__dict__}
        (args.out / "training.json").write_text(json.dumps(report, indent=2) + "\n")


def main() -> None:
    default = Shape()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--heldout", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder with tokenizer.json; checkpoints go there")
    parser.add_argument("--start", type=Path, help="a chat GGUF to go on from; its tokenizer is used")
    parser.add_argument("--minutes", type=float, default=60, help="wall clock, counted over all runs into --out")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--limit", type=int, default=None, help="dialogues to load at most")
    parser.add_argument("--heldout-limit", type=int, default=80, help="held-out dialogues scored while training")
    parser.add_argument("--batch-tokens", type=int, default=2048, help="per worker, padding included")
    parser.add_argument("--copy-share", type=float, default=0.06, help="part of the budget in which every other batch is pure copying")
    parser.add_argument("--optimizer", choices=["adamw", "muon"], default="muon")
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--muon-rate", type=float, default=4e-3)
    parser.add_argument("--width", type=int, default=default.width)
    parser.add_argument("--layers", type=int, default=default.layers)
    parser.add_argument("--heads", type=int, default=default.heads)
    parser.add_argument("--feed-forward", type=int, default=default.feed_forward)
    parser.add_argument("--context", type=int, default=default.context)
    parser.add_argument("--score-minutes", type=float, default=5)
    parser.add_argument("--save-minutes", type=float, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--bf16", action="store_true", help="autocast; only where the processor has bf16 units")
    parser.add_argument("--compile", action="store_true", help="torch.compile with dynamic shapes")
    launch((args := parser.parse_args()).workers, run, args)


if __name__ == "__main__":
    main()
