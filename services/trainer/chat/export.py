"""Writes a trained checkpoint as GGUF (architecture `llama`, tokenizer `gpt2` with pre-tokenizer `smollm`).

    python -m chat.export --run RUN_DIR --out mercer-chat-v1.gguf

Matrices become Q8_0 (or F16), norms stay F32. The output is tied: there is no `output.weight`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer

from . import tokenizer as tokenizer_file
from .dialogue import CHAT_TEMPLATE, END, SPECIALS
from .model import Decoder, Shape

TYPES = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "f16": gguf.GGMLQuantizationType.F16}
FILE_TYPES = {"q8_0": gguf.LlamaFileType.MOSTLY_Q8_0, "f16": gguf.LlamaFileType.MOSTLY_F16}


def load(run: Path) -> tuple[Decoder, Tokenizer]:
    """Loads a run's checkpoint and tokenizer."""
    saved = torch.load(run / "checkpoint.pt", weights_only=True)
    model = Decoder(Shape(**saved["shape"]))
    model.load_state_dict(saved["model"])
    return model.eval(), tokenizer_file.load(run / "tokenizer.json")


def tensors(model: Decoder) -> dict[str, np.ndarray]:
    """Names the weights as llama.cpp does; joined matrices are cut apart."""
    named: dict[str, np.ndarray] = {}
    for name, weight in model.state_dict().items():
        values = weight.numpy()
        if name.endswith("attn_qkv.weight"):
            for part, cut in zip("qkv", np.split(values, 3), strict=True):
                named[name.replace("attn_qkv", f"attn_{part}")] = cut
        elif name.endswith("ffn_gate_up.weight"):
            for part, cut in zip(("gate", "up"), np.split(values, 2), strict=True):
                named[name.replace("ffn_gate_up", f"ffn_{part}")] = cut
        else:
            named[name] = values
    return named


def write_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """Writes vocabulary, merges and special tokens."""
    tokens = [tokenizer.id_to_token(row) for row in range(tokenizer.get_vocab_size())]
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    control = set(SPECIALS)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in control else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in merges])
    end = tokenizer.token_to_id(END)
    writer.add_bos_token_id(end)  # never added; without it llama.cpp assumes token 11
    writer.add_eos_token_id(end)
    writer.add_eot_token_id(end)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def write(model: Decoder, tokenizer: Tokenizer, path: Path, name: str, kind: str) -> None:
    """Writes the whole file."""
    shape = model.shape
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name(name)
    writer.add_description("Plans tool calls and writes replies with references; trained on generated shop dialogues.")
    writer.add_license("apache-2.0")
    writer.add_file_type(FILE_TYPES[kind])
    writer.add_string("mercer.prompt", "compact")
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    write_tokenizer(writer, tokenizer)
    for tensor, values in tensors(model).items():
        if values.ndim == 1:
            writer.add_tensor(tensor, values.astype(np.float32))
        else:
            quantized = gguf.quants.quantize(values.astype(np.float32), TYPES[kind])
            writer.add_tensor(tensor, quantized, raw_dtype=TYPES[kind])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="mercer-chat-v1")
    parser.add_argument("--type", choices=list(TYPES), default="q8_0")
    args = parser.parse_args()
    model, tokenizer = load(args.run)
    write(model, tokenizer, args.out, args.name, args.type)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB, {model.parameter_count() / 1e6:.2f} M parameters")


if __name__ == "__main__":
    main()
