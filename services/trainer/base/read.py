"""Reads a base model from one GGUF file of architecture `llama`: sizes, weights and tokenizer.

Not here: writing one (`export`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

from chat.tokenizer import GPT2_PATTERN
from embedder.gguf_io import read_both

from .model import Decoder, Shape

# Metadata of what `model` does not compute.
UNKNOWN = ("llama.rope.scaling.", "llama.expert_")


@dataclass(frozen=True)
class Base:
    """What a base file holds."""

    metadata: dict[str, object]
    decoder: Decoder
    tokenizer: Tokenizer


def read_base(path: Path) -> Base:
    """Reads everything; weights are dequantised to float32."""
    metadata, tensors = read_both(path)
    with torch.device("meta"):  # sizes alone; the file's weights take the places
        decoder = Decoder(shape_of(metadata), has_own_output="output.weight" in tensors)
    try:
        decoder.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()}, assign=True)
    except RuntimeError as cause:
        raise SystemExit(f"{path} does not hold exactly a llama decoder's tensors: {cause}") from cause
    return Base(metadata, decoder, content_tokenizer(metadata))


def shape_of(metadata: dict[str, object]) -> Shape:
    """Reads the sizes; a file that computes something else than `model` does is refused with the key's name."""
    if metadata["general.architecture"] != "llama":
        raise SystemExit(f"only architecture llama can be trained, this file is {metadata['general.architecture']}")
    for key in metadata:
        if key.startswith(UNKNOWN):
            raise SystemExit(f"a base with {key} cannot be trained")
    width, heads = metadata["llama.embedding_length"], metadata["llama.attention.head_count"]
    shape = Shape(
        vocabulary=len(metadata["tokenizer.ggml.tokens"]),
        width=width,
        layers=metadata["llama.block_count"],
        heads=heads,
        key_value_heads=metadata.get("llama.attention.head_count_kv", heads),
        head_size=metadata.get("llama.attention.key_length", width // heads),
        feed_forward=metadata["llama.feed_forward_length"],
        context=metadata["llama.context_length"],
        rope_base=metadata.get("llama.rope.freq_base", 10_000.0),
        epsilon=metadata["llama.attention.layer_norm_rms_epsilon"],
    )
    if metadata.get("llama.rope.dimension_count", shape.head_size) != shape.head_size:
        raise SystemExit("a base whose positions turn only a part of each head cannot be trained")
    return shape


def content_tokenizer(metadata: dict[str, object]) -> Tokenizer:
    """Builds the tokenizer for contents: it knows no special tokens, so no text can become one."""
    kind = (metadata["tokenizer.ggml.model"], metadata["tokenizer.ggml.pre"])
    if kind != ("gpt2", "smollm"):
        raise SystemExit(f"only the tokenizer gpt2 with pre-tokenizer smollm is known, this file has {kind}")
    vocabulary = {token: row for row, token in enumerate(metadata["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ")) for merge in metadata["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(BPE(vocabulary, merges))
    split = Split(Regex(GPT2_PATTERN), "isolated")
    tokenizer.pre_tokenizer = Sequence([Digits(individual_digits=True), split, ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = ByteLevelDecoder()
    return tokenizer


def sha256(path: Path) -> str:
    """Returns the file's SHA-256, hexadecimal: a run belongs to one base."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
