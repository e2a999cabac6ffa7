"""Writes what a run changed of its base, small enough for a repository; with the base it makes the model again.

    python -m base.patch --base BASE.gguf --run RUN --out mercer-assistant.safetensors --model mercer-assistant.gguf

A patch is a safetensors file. Its metadata hold the steps that write the model's file from start to end, and the SHA-256
of the base and of the result: `mercer models fetch` takes the steps, and keeps the file only if it is the right one.

A step is one of: `copy` bytes of the base; `write` bytes of the patch; `convert` blocks of the base to Q8_0, and `add` a
matrix of differences to them. Differences are Q4_0. They are a small part of the weights, so that what four bits lose of
them is less than what Q8_0 loses of the whole (Liu and others, BitDelta, 2024, take one bit).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import gguf
import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from . import checkpoint
from .export import as_arrays, trained_base, write_model
from .read import read_base, sha256

FORMAT = "mercer-patch-1"
# Shorter runs of equal bytes are not worth a step.
RUN_BYTES_MIN = 64
Q4_0, Q8_0 = gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.Q8_0
# What can be converted: 32 numbers a block.
CONVERTED = {gguf.GGMLQuantizationType.Q4_1: "q4_1"}


def rounded(base: dict[str, np.ndarray], trained: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Rounds what changed to four bits; returns the weights with it, and the matrices of differences."""
    weights, differences = dict(trained), {}
    for name, values in trained.items():
        if values.ndim == 2 and not np.array_equal(values, base[name]):
            differences[name] = gguf.quants.quantize(values - base[name], Q4_0)
            weights[name] = base[name] + gguf.quants.dequantize(differences[name], Q4_0)
    return weights, differences


def equal_runs(base: bytes, header: bytes) -> list[dict[str, object]]:
    """Writes a header as runs of the base's bytes and bytes of its own, in order."""
    steps, own, at = [], bytearray(), 0
    while at < len(header):
        found = base.find(header[at : at + RUN_BYTES_MIN]) if at + RUN_BYTES_MIN <= len(header) else -1
        if found < 0:
            own.append(header[at])
            at += 1
            continue
        length = RUN_BYTES_MIN
        while at + length < len(header) and found + length < len(base) and header[at + length] == base[found + length]:
            length += 1
        if own:
            steps.append({"write": bytes(own)})
            own = bytearray()
        steps.append({"copy": [found, found + length]})
        at += length
    return [*steps, {"write": bytes(own)}] if own else steps


def plan(base: Path, model: Path, differences: dict[str, np.ndarray]) -> list[dict[str, object]]:
    """Lists the steps that write the model; bytes of its own stand in them."""
    source, target = gguf.GGUFReader(base), gguf.GGUFReader(model)
    there = {tensor.name: tensor for tensor in source.tensors}
    raw_base, raw = base.read_bytes(), model.read_bytes()
    tensors = sorted(target.tensors, key=lambda tensor: tensor.data_offset)
    steps = equal_runs(raw_base[: min(t.data_offset for t in source.tensors)], raw[: tensors[0].data_offset])
    at = tensors[0].data_offset
    for tensor in tensors:
        start, end = int(tensor.data_offset), int(tensor.data_offset + tensor.n_bytes)
        if start > at:
            steps.append({"write": raw[at:start]})
        of_base = there[tensor.name]
        place = int(of_base.data_offset)
        if tensor.name in differences or (tensor.tensor_type == Q8_0 and of_base.tensor_type in CONVERTED):
            if of_base.tensor_type not in CONVERTED:
                raise SystemExit(f"{tensor.name} of the base is {of_base.tensor_type.name}; only {list(CONVERTED.values())} can be converted")
            step = {"convert": CONVERTED[of_base.tensor_type], "from": place, "blocks": int(tensor.n_elements) // 32}
            steps.append(step | ({"add": tensor.name} if tensor.name in differences else {}))
        elif raw[start:end] == raw_base[place : place + int(of_base.n_bytes)]:
            steps.append({"copy": [place, place + int(of_base.n_bytes)]})
        else:
            steps.append({"write": raw[start:end]})
        at = end
    return [*steps, {"write": raw[at:]}] if at < len(raw) else steps


def write(base: Path, model: Path, differences: dict[str, np.ndarray], out: Path) -> None:
    """Writes the patch."""
    steps, own = [], bytearray()
    for step in plan(base, model, differences):
        if "write" in step:
            steps.append({"write": [len(own), len(own) + len(step["write"])]})
            own += step["write"]
        else:
            steps.append(step)
    tensors = {name: np.ascontiguousarray(blocks.view(np.uint8)).reshape(-1, 18) for name, blocks in differences.items()}
    tensors["bytes"] = np.frombuffer(bytes(own), dtype=np.uint8)
    facts = {"format": FORMAT, "base_sha256": sha256(base), "sha256": sha256(model), "bytes": str(model.stat().st_size), "steps": json.dumps(steps)}
    save_file(tensors, out, metadata=facts)


def apply(base: Path, patch: Path) -> bytes:
    """Takes the steps of a patch, and checks what came out."""
    raw, made = base.read_bytes(), bytearray()
    with safe_open(patch, framework="numpy") as file:
        facts = file.metadata()
        own = file.get_tensor("bytes").tobytes()
        for step in json.loads(facts["steps"]):
            if "copy" in step:
                made += raw[slice(*step["copy"])]
            elif "write" in step:
                made += own[slice(*step["write"])]
            else:
                kind = gguf.GGMLQuantizationType[step["convert"].upper()]
                size = gguf.GGML_QUANT_SIZES[kind][1]
                blocks = np.frombuffer(raw, np.uint8, step["blocks"] * size, step["from"]).reshape(-1, size)
                values = gguf.quants.dequantize(blocks, kind)
                if "add" in step:
                    values = values + gguf.quants.dequantize(file.get_tensor(step["add"]), Q4_0)
                made += gguf.quants.quantize(values, Q8_0).tobytes()
    if hashlib.sha256(made).hexdigest() != facts["sha256"]:
        raise SystemExit(f"{patch} does not make the model that it was written for")
    return bytes(made)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run, or a checkpoint file")
    parser.add_argument("--out", type=Path, required=True, help="the patch")
    parser.add_argument("--model", type=Path, help="also keep the model that it makes")
    parser.add_argument("--name", default="mercer-assistant", help="of the model")
    args = parser.parse_args(arguments)
    saved = checkpoint.load(args.run / checkpoint.NAME if args.run.is_dir() else args.run)
    trained = as_arrays(trained_base(args.base, saved).decoder)
    weights, differences = rounded(as_arrays(read_base(args.base).decoder), trained)
    with tempfile.TemporaryDirectory() as folder:
        model = args.model or Path(folder) / "model.gguf"
        write_model(args.base, weights, model, "q8_0", args.name)
        write(args.base, model, differences, args.out)
    apply(args.base, args.out)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, after step {saved['step']}")


if __name__ == "__main__":
    main()
