"""Reads a chat GGUF back into PyTorch, tokenizer included, so that what is shipped is what is measured.

Only files written by export.py are understood.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer

from embedder.gguf_io import read_metadata, read_tensors

from .model import Decoder, Shape
from .tokenizer import assemble


def load(path: Path) -> tuple[Decoder, Tokenizer]:
    """Loads weights (dequantised) and tokenizer from a GGUF file."""
    metadata, tensors = read_metadata(path), read_tensors(path)
    shape = Shape(
        vocabulary=len(metadata["tokenizer.ggml.tokens"]),
        width=metadata["llama.embedding_length"],
        layers=metadata["llama.block_count"],
        heads=metadata["llama.attention.head_count"],
        feed_forward=metadata["llama.feed_forward_length"],
        context=metadata["llama.context_length"],
        rope_base=metadata["llama.rope.freq_base"],
        epsilon=metadata["llama.attention.layer_norm_rms_epsilon"],
    )
    for layer in range(shape.layers):
        prefix = f"blk.{layer}."
        tensors[f"{prefix}attn_qkv.weight"] = np.concatenate([tensors.pop(f"{prefix}attn_{part}.weight") for part in "qkv"])
        tensors[f"{prefix}ffn_gate_up.weight"] = np.concatenate([tensors.pop(f"{prefix}ffn_{part}.weight") for part in ("gate", "up")])
    model = Decoder(shape)
    model.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()})
    vocabulary = {token: row for row, token in enumerate(metadata["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    return model.eval(), assemble(vocabulary, merges)
