"""Makes an embedder out of all layers of its teacher with a smaller vocabulary. Nothing is trained.

    python -m embedder.cut --teacher TEACHER.gguf --out RUN_DIR

Pieces of other scripts than Latin and unused rows are left out (wordpiece.rows_kept). What distil.py gives has half of
the layers, computes in half the time and is weaker. Not here: writing the GGUF (export.py), measuring (evaluate.py).
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import torch

from . import bert, gguf_io, wordpiece


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    metadata = gguf_io.read_metadata(args.teacher)
    rows = wordpiece.rows_kept(metadata["tokenizer.ggml.tokens"], metadata["tokenizer.ggml.token_type"])
    teacher = bert.load(bert.Shape.of(metadata), gguf_io.read_tensors(args.teacher))
    student = bert.student_of(teacher, list(range(teacher.shape.layers)), rows)
    torch.save({"state": student.state_dict(), "shape": asdict(student.shape), "rows_kept": rows}, args.out / "student.pt")
    print(f"{teacher.shape.layers} layers, {len(rows)} of {teacher.shape.vocabulary} word pieces")


if __name__ == "__main__":
    main()
