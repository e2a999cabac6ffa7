"""Writes and reads checkpoints: what was trained, and all that the next step depends on.

A checkpoint without an optimizer holds weights alone: enough to export and to start from, not to resume. Where a run keeps
a mean of its weights, `weights` are that mean, and `trained` what the next step begins with.
"""

from __future__ import annotations

import os
from pathlib import Path

import torch

from .methods import Method, trained
from .model import Decoder

NAME = "checkpoint.pt"


def save(path: Path, contents: dict[str, object]) -> None:
    """Writes a checkpoint so that a crash, also of the machine, leaves the old or the new one, never half."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        torch.save(contents, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def load(path: Path) -> dict[str, object]:
    """Reads a checkpoint; no code in it is run."""
    return torch.load(path, map_location="cpu", weights_only=True)


def check_base(saved: dict[str, object], base_sha256: str) -> None:
    """Stops where a checkpoint was made with another base file."""
    if saved["base"] != base_sha256:
        raise SystemExit(f"the checkpoint belongs to another base, with SHA-256 {saved['base']}")


def method_of(saved: dict[str, object]) -> Method:
    """Returns what a checkpoint's run trains."""
    return Method(**saved["method"])


def put_weights(decoder: Decoder, saved: dict[str, object], which: str = "weights") -> None:
    """Puts a checkpoint's weights into a decoder that was prepared in the same way."""
    places = trained(decoder)
    if places.keys() != saved[which].keys():
        raise SystemExit("the checkpoint holds other weights than this run trains")
    with torch.no_grad():
        for name, place in places.items():
            place.copy_(saved[which][name])


def weights_alone(saved: dict[str, object]) -> dict[str, object]:
    """Leaves out what only resuming needs; weights of whole matrices are rounded to bf16, as they are computed with."""
    dtype = torch.float32 if saved["method"]["name"] == "lora" else torch.bfloat16
    weights = {name: weight.to(dtype) for name, weight in saved["weights"].items()}
    return {name: saved[name] for name in ("base", "method", "step", "tokens")} | {"weights": weights}
