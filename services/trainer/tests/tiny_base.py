"""A base of random weights for tests: two layers, grouped keys, ChatML, and words whose pieces are single bytes."""

from __future__ import annotations

import json
import random
import tempfile
import unittest
from pathlib import Path

import gguf
import numpy as np
import torch
from tokenizers.pre_tokenizers import ByteLevel

from base.read import read_base

CONTROLS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES = [("Ġ", "k"), ("e", "t"), ("t", "l"), ("tl", "e"), ("et", "tle"), ("u", "s"), ("us", "e"), ("use", "r")]
# Like the real base's: any role's name is printed, and a conversation without rules gets a sentence of the base's own.
TEMPLATE = (
    "{% if messages[0].role != 'system' %}{{ '<|im_start|>system\nYou help.<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
WIDTH, LAYERS, HEADS, KEY_VALUE_HEADS, FEED_FORWARD, CONTEXT = 64, 2, 4, 2, 96, 512
ROPE_BASE = 10_000.0


def vocabulary() -> list[str]:
    """Lists the pieces: controls, bytes, and what the merges make."""
    return [*CONTROLS, *sorted(ByteLevel.alphabet()), *("".join(pair) for pair in MERGES)]


def write(path: Path, seed: int = 1) -> None:
    """Writes the file with weights that half floats hold exactly."""
    chance = np.random.default_rng(seed)
    pieces = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_block_count(LAYERS)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_rope_freq_base(ROPE_BASE)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(pieces)
    writer.add_token_types([gguf.TokenType.CONTROL if piece in CONTROLS else gguf.TokenType.NORMAL for piece in pieces])
    writer.add_token_merges([" ".join(pair) for pair in MERGES])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)

    def matrix(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(name, (chance.standard_normal((rows, columns)) * columns**-0.5).astype(np.float16))

    def norm(name: str) -> None:
        writer.add_tensor(name, (1 + 0.1 * chance.standard_normal(WIDTH)).astype(np.float16).astype(np.float32))

    keys = WIDTH // HEADS * KEY_VALUE_HEADS
    matrix("token_embd.weight", len(pieces), WIDTH)
    norm("output_norm.weight")
    for block in (f"blk.{at}." for at in range(LAYERS)):
        norm(f"{block}attn_norm.weight")
        norm(f"{block}ffn_norm.weight")
        for name, rows, columns in (("attn_q", WIDTH, WIDTH), ("attn_k", keys, WIDTH), ("attn_v", keys, WIDTH), ("attn_output", WIDTH, WIDTH),
                                    ("ffn_gate", FEED_FORWARD, WIDTH), ("ffn_up", FEED_FORWARD, WIDTH), ("ffn_down", WIDTH, FEED_FORWARD)):
            matrix(f"{block}{name}.weight", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def conversations(count: int, seed: int = 1) -> list[dict[str, object]]:
    """Makes short conversations; the assistant calls a tool once or twice before it replies."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        messages = [{"role": "system", "content": "Be kind."}]
        for _ in range(chance.randint(1, 3)):
            thing = "".join(chance.choices("klote", k=chance.randint(1, 9)))
            messages.append({"role": "user", "content": f"a {thing}?"})
            for _ in range(chance.randint(1, 2)):
                messages += [{"role": "assistant", "content": f'{{"calls":["{thing}"]}}'}, {"role": "tool", "content": f"{thing} 5"}]
            messages.append({"role": "assistant", "content": f"{thing} it is"})
        made.append({"messages": messages})
    return made


def write_lines(path: Path, made: list[dict[str, object]]) -> None:
    """Writes conversations as JSON Lines."""
    path.write_text("".join(json.dumps(conversation) + "\n" for conversation in made))


class Files(unittest.TestCase):
    """Tests with a folder that holds a base."""

    def setUp(self):
        torch.manual_seed(1)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "tiny.gguf"
        write(self.path)
        self.base = read_base(self.path)
