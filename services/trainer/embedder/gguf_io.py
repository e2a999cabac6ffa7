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
    reader = GGUFReader(path)
    return {
        name: field.contents()
        for name, field in reader.fields.items()
        if not name.startswith("GGUF.")
    }


def read_tensors(path: Path) -> dict[str, np.ndarray]:
    """Returns every tensor as float32, rows first (the shape PyTorch uses)."""
    tensors = {}
    for tensor in GGUFReader(path).tensors:
        shape = tuple(int(size) for size in reversed(tensor.shape))
        values = dequantize(tensor.data, tensor.tensor_type).astype(np.float32)
        tensors[tensor.name] = np.ascontiguousarray(values.reshape(shape))
    return tensors
