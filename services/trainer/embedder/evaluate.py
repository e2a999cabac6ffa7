"""Compares an exported student with its teacher on texts that training never saw.

    python -m embedder.evaluate --teacher TEACHER.gguf --student mercer-embed-v2.gguf

Two sets: `generated` comes from the training generator with another seed (and mostly other words); `written` is
embedder/heldout.txt, sentences written by hand that share no template with the generator. Reported for each:
cosine with the teacher's vector of the same text, Spearman correlation of all pairwise similarities, and how many of
the teacher's ten nearest passages the student also finds among its ten, for short queries. In the written set the
first passages answer the queries in order, so for it the real thing is counted too: how often the right passage comes
first, and among the first five.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from . import bert, gguf_io, wordpiece
from .batches import embed
from .texts import Texts

SEED = 987_654
TOKENS_MAX = 256
HELDOUT = Path(__file__).with_name("heldout.txt")


def load(path: Path) -> tuple[bert.Encoder, object, list[str]]:
    """Loads encoder, tokenizer and vocabulary of a GGUF file."""
    metadata = gguf_io.read_metadata(path)
    tokens = metadata["tokenizer.ggml.tokens"]
    encoder = bert.load(bert.Shape.of(metadata), gguf_io.read_tensors(path)).eval()
    return encoder, wordpiece.build(tokens, metadata["tokenizer.ggml.token_type"], TOKENS_MAX), tokens


def ranks(values: Tensor) -> Tensor:
    """Returns each value's rank; equal values do not occur among float similarities in practice."""
    return values.argsort().argsort().double()


def spearman(a: Tensor, b: Tensor) -> float:
    """Returns the rank correlation of two lists."""
    return torch.corrcoef(torch.stack((ranks(a), ranks(b))))[0, 1].item()


def compare(teacher: Tensor, student: Tensor, queries: int) -> dict[str, float]:
    """Compares two sets of vectors; the first `queries` rows are queries, the rest passages."""
    above = torch.triu_indices(len(teacher), len(teacher), 1)
    similarities = [(v @ v.T)[above[0], above[1]] for v in (teacher, student)]
    tens = [(v[:queries] @ v[queries:].T).topk(10).indices for v in (teacher, student)]
    shared = [len(set(a.tolist()) & set(b.tolist())) / 10 for a, b in zip(*tens, strict=True)]
    first = [int(a[0]) in set(b.tolist()) for a, b in zip(*tens, strict=True)]
    return {
        "texts": len(teacher),
        "queries": queries,
        "cosine_mean": round((teacher * student).sum(-1).mean().item(), 4),
        "spearman": round(spearman(*similarities), 4),
        "teacher_top10_found": round(sum(shared) / queries, 4),
        "teacher_first_in_top10": round(sum(first) / queries, 4),
    }


def found(vectors: Tensor, queries: int) -> dict[str, int]:
    """Counts queries whose own passage (the one at the same place) comes first, and among the first five."""
    similarities = vectors[:queries] @ vectors[queries:].T
    places = (similarities > similarities.diagonal()[:, None]).sum(1)
    return {"first": int((places == 0).sum()), "in_first_five": int((places < 5).sum()), "of": queries}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--student", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    teacher, teacher_tokenizer, tokens = load(args.teacher)
    student, student_tokenizer, _ = load(args.student)

    texts = Texts(SEED, wordpiece.plain_words(tokens))
    queries = [texts.random.choice([texts.question, texts.keywords])() for _ in range(200)]
    passages = [texts.random.choice([texts.title, texts.description, texts.policy])() for _ in range(800)]
    written = [line.strip() for line in HELDOUT.read_text(encoding="utf-8").splitlines() if line.strip()]
    asked = [line[2:] for line in written if line.startswith("? ")]
    told = [line[2:] for line in written if line.startswith("- ")]
    for name, first, rest in (("generated", queries, passages), ("written", asked, told)):
        vectors = [embed(encoder, tokenizer, first + rest) for encoder, tokenizer in ((teacher, teacher_tokenizer), (student, student_tokenizer))]
        print(json.dumps({"set": name, **compare(*vectors, len(first))}))
    print(json.dumps({"set": "written", "teacher": found(vectors[0], len(asked)), "student": found(vectors[1], len(asked))}))


if __name__ == "__main__":
    main()
