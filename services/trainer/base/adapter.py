"""Writes adapters as llama.cpp reads them: two thin tensors beside each adapted one, in f16.

Rows of q and k are in llama.cpp's order here already, so those of their `lora_b` are too.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

from . import checkpoint


def write(saved: dict[str, object], out: Path, name: str) -> None:
    """Writes a checkpoint's adapters."""
    method = checkpoint.method_of(saved)
    if method.name != "lora":
        raise SystemExit(f"a run of method {method.name} has no adapters; export the whole model")
    writer = gguf.GGUFWriter(out, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", method.alpha)
    for place, weight in saved["weights"].items():
        matrix, part = place.rsplit(".", 1)  # blk.0.attn_q, lora_a
        writer.add_tensor(f"{matrix}.weight.{part}", weight.numpy().astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
