"""Writes the distilled student as GGUF (architecture `bert`, mean pooling), ready for llama.cpp.

    python -m embedder.export --teacher TEACHER.gguf --run RUN_DIR --out mercer-embed-v2.gguf

The tokenizer's metadata is the teacher's, with the reduced vocabulary and its new row numbers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import gguf
import numpy as np
import torch
from torch import Tensor

from . import bert, gguf_io

# Word vectors are more than half of the file and are only looked up, so they take the coarser rounding.
WORDS_TYPE = gguf.GGMLQuantizationType.Q5_1
MATRIX_TYPE = gguf.GGMLQuantizationType.Q8_0
ROW_KEYS = ["bos", "eos", "unknown", "seperator", "padding", "mask", "cls"]  # gguf's own spelling of "separator"


def rounded_words(vectors: Tensor) -> Tensor:
    """Returns word vectors as a reader of the file gets them."""
    stored = gguf.quants.quantize(vectors.numpy().astype(np.float32), WORDS_TYPE)
    return torch.from_numpy(gguf.quants.dequantize(stored, WORDS_TYPE).reshape(vectors.shape).astype(np.float32))


def write(metadata: dict[str, object], saved: dict[str, object], path: Path, name: str) -> None:
    """Writes metadata, tokenizer and weights; word vectors as Q5_1, other matrices as Q8_0, the rest as F32."""
    shape = bert.Shape(**saved["shape"])
    rows_kept: list[int] = saved["rows_kept"]
    new_row = {old: new for new, old in enumerate(rows_kept)}
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name(name)
    writer.add_description("Sentence embeddings for shop texts, distilled from all-MiniLM-L6-v2 (Apache-2.0).")
    writer.add_license("apache-2.0")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_block_count(shape.layers)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.feed_forward)
    writer.add_head_count(shape.heads)
    writer.add_layer_norm_eps(shape.epsilon)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([metadata["tokenizer.ggml.tokens"][row] for row in rows_kept])
    writer.add_token_types([metadata["tokenizer.ggml.token_type"][row] for row in rows_kept])
    writer.add_token_type_count(2)
    for key in ROW_KEYS:
        writer.add_uint32(f"tokenizer.ggml.{key}_token_id", new_row[metadata[f"tokenizer.ggml.{key}_token_id"]])
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    for tensor, values in saved["state"].items():
        array = values.numpy().astype(np.float32)
        is_matrix = array.ndim == 2 and tensor not in ("position_embd.weight", "token_types.weight")
        if is_matrix:
            kind = WORDS_TYPE if tensor == "token_embd.weight" else MATRIX_TYPE
            writer.add_tensor(tensor, gguf.quants.quantize(array, kind), raw_dtype=kind)
        else:
            writer.add_tensor(tensor, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="mercer-embed-v2")
    args = parser.parse_args()
    saved = torch.load(args.run / "student.pt", weights_only=True)
    write(gguf_io.read_metadata(args.teacher), saved, args.out, args.name)
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
