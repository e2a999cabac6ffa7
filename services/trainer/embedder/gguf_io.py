"""Reads metadata and dequantised tensors of a GGUF file.

Not here: any knowledge of a model; see bert.py and export.py.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from gguf import GGUFReader
from gguf.quants import dequantize


def read_metadata(path: Path) -> dict[str, object]:
    """Returns every metadata key with its value as a plain Python object."""
    return _metadata(GGUFReader(path))


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Returns every tensor as float32, rows first (the shape PyTorch uses)."""
    return _tensors(GGUFReader(path))


def read_both(path: Path) -> tuple[dict[str, object], dict[str, np.ndarray]]:
    """Returns metadata and tensors; reading a large vocabulary takes seconds, and this does it once."""
    reader = GGUFReader(path)
    return _metadata(reader), _tensors(reader)


def _metadata(reader: GGUFReader) -> dict[str, object]:
    return {name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")}


def _tensors(reader: GGUFReader) -> dict[str, np.ndarray]:
    tensors = {}
    for tensor in reader.tensors:
        shape = tuple(int(size) for size in reversed(tensor.shape))
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        tensors[tensor.name] = np.ascontiguousarray(values.reshape(shape))
    return tensors
