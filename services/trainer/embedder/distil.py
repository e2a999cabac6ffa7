"""Trains the student to give the teacher's vectors, until a wall-clock budget ends.

    python -m embedder.distil --teacher TEACHER.gguf --out RUN_DIR --minutes 15

The teacher labels fresh texts as they are generated, so no generated text is seen twice. The loss has three parts: the
direction of the text's vector, the similarities among the texts of a batch, and each token's last vector (dense,
so it teaches most in the first minutes). The word vectors stay the teacher's, rounded as the shipped file stores them:
words that no training text held keep their meaning, and the layers learn to live with the rounding. Not here: writing the GGUF (export.py), measuring (evaluate.py).
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from parallel import Group, launch

from . import bert, gguf_io, wordpiece
from .batches import by_length, padded
from .export import rounded_words
from .texts import Texts, of_corpus

POOL_TEXTS = 768  # generated at once, then cut into batches of similar length
TEXT_TOKENS_MAX = 192
SIMILARITY_WEIGHT = 4.0
TOKEN_WEIGHT = 1.0
LOG_SECONDS = 15


def distillation_loss(student: Tensor, teacher: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the loss and the mean cosine between the two texts' vectors."""
    s, t = bert.pool(student, present), bert.pool(teacher, present)
    cosine = (s * t).sum(-1).mean()
    similarity = F.mse_loss(s @ s.T, t @ t.T)
    token = 1 - F.cosine_similarity(student[present], teacher[present], dim=-1).mean()
    return (1 - cosine) + SIMILARITY_WEIGHT * similarity + TOKEN_WEIGHT * token, cosine.detach()


def learning_rate(progress: float, peak: float) -> float:
    """Warms up over the first 3 % of the budget, then follows half a cosine to 2 % of the peak."""
    if progress < 0.03:
        return peak * progress / 0.03
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (progress - 0.03) / 0.97)))


def run(group: Group, args: argparse.Namespace) -> None:
    """Trains in one worker; the first one logs and writes the result."""
    torch.manual_seed(args.seed + group.rank)
    metadata = gguf_io.read_metadata(args.teacher)
    tokens, kinds = metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"]
    teacher = bert.load(bert.Shape.of(metadata), gguf_io.read_tensors(args.teacher)).eval()
    rows_kept = wordpiece.rows_kept(tokens, kinds)
    tokenizer = wordpiece.build([tokens[row] for row in rows_kept], [kinds[row] for row in rows_kept], TEXT_TOKENS_MAX)
    teacher_row = torch.tensor(rows_kept)  # student row -> teacher row: one tokenization serves both
    layers = [int(layer) for layer in args.layers.split(",")]
    student = bert.student_of(teacher, layers, rows_kept)
    with torch.no_grad():
        student.token_embd.weight.copy_(rounded_words(student.token_embd.weight))
    for table in (student.token_embd, student.position_embd, student.token_types):
        table.weight.requires_grad = False
    trained = [p for p in student.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=args.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)

    corpus = of_corpus(args.corpus) if args.corpus else []
    texts = Texts(args.seed * 1000 + group.rank, wordpiece.plain_words(tokens), corpus)
    waiting: list[list[list[int]]] = []  # groups of tokenized texts not trained on yet
    started = logged = time.time()
    step = tokens_seen = texts_seen = 0
    cosine_mean = 0.0
    while True:
        [progress] = group.mean((time.time() - started) / (args.minutes * 60))
        if progress >= 1:
            break
        if not waiting:
            encodings = [encoding.ids for encoding in tokenizer.encode_batch(texts.batch(POOL_TEXTS))]
            groups = by_length(encodings, args.batch_tokens)
            waiting = [[encodings[at] for at in groups[pick]] for pick in torch.randperm(len(groups)).tolist()]
        batch = waiting.pop()
        rows, present = padded(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=args.bf16):
            with torch.no_grad():
                target = teacher.hidden(teacher_row[rows], present)
            hidden = student.hidden(rows, present)
        loss, cosine = distillation_loss(hidden.float(), target.float(), present)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        group.average_gradients(trained)
        for settings in optimizer.param_groups:
            settings["lr"] = learning_rate(progress, args.learning_rate)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        step, tokens_seen, texts_seen = step + 1, tokens_seen + int(present.sum()), texts_seen + len(batch)
        cosine_mean = cosine.item() if step == 1 else 0.97 * cosine_mean + 0.03 * cosine.item()
        if group.is_first and time.time() - logged > LOG_SECONDS:
            logged = time.time()
            speed = tokens_seen * group.size / (logged - started)
            print(f"{progress:6.1%} step {step} loss {loss.item():.4f} cosine {cosine_mean:.4f} about {speed:.0f} tokens/s", flush=True)

    texts_all, tokens_all = (round(group.size * value) for value in group.mean(texts_seen, tokens_seen))
    if group.is_first:
        torch.save({"state": student.state_dict(), "shape": asdict(student.shape), "rows_kept": rows_kept}, args.out / "student.pt")
        report = {"layers": layers, "minutes": args.minutes, "workers": group.size, "steps": step, "texts": texts_all,
                  "tokens": tokens_all, "cosine_at_end": round(cosine_mean, 4)}
        (args.out / "training.json").write_text(json.dumps(report, indent=2) + "\n")
        print(json.dumps(report))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--corpus", type=Path, help="a corpus's train.jsonl, whose texts are mixed in")
    parser.add_argument("--layers", default="0,1,2,4,5", help="the teacher's layers that start the student")
    parser.add_argument("--batch-tokens", type=int, default=2048, help="per worker, padding included")
    parser.add_argument("--bf16", action="store_true", help="autocast; only where the processor has bf16 units")
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    launch(args.workers, run, args)


if __name__ == "__main__":
    main()
