"""BERT encoder with mean pooling, named and shaped like llama.cpp's `bert` architecture.

Teacher and student are the same class with a different number of layers. Not here: tokenizing, training.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

MASKED = -1e4  # as good as minus infinity in a softmax, and a number in every float type


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    feed_forward: int
    context: int
    epsilon: float

    @staticmethod
    def of(metadata: dict[str, object]) -> "Shape":
        """Reads the sizes from GGUF metadata."""
        return Shape(
            vocabulary=len(metadata["tokenizer.ggml.tokens"]),
            width=int(metadata["bert.embedding_length"]),
            layers=int(metadata["bert.block_count"]),
            heads=int(metadata["bert.attention.head_count"]),
            feed_forward=int(metadata["bert.feed_forward_length"]),
            context=int(metadata["bert.context_length"]),
            epsilon=float(metadata["bert.attention.layer_norm_epsilon"]),
        )


class Layer(nn.Module):
    """Self-attention and feed-forward, each followed by a norm over the sum (post-norm)."""

    def __init__(self, shape: Shape):
        super().__init__()
        width = shape.width
        self.heads = shape.heads
        self.attn_q = nn.Linear(width, width)
        self.attn_k = nn.Linear(width, width)
        self.attn_v = nn.Linear(width, width)
        self.attn_output = nn.Linear(width, width)
        self.attn_output_norm = nn.LayerNorm(width, eps=shape.epsilon)
        self.ffn_up = nn.Linear(width, shape.feed_forward)
        self.ffn_down = nn.Linear(shape.feed_forward, width)
        self.layer_output_norm = nn.LayerNorm(width, eps=shape.epsilon)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        batch, length, width = x.shape

        def split(y: Tensor) -> Tensor:
            return y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        # Written out: the backward pass of PyTorch's own attention took three fifths of a training step on a processor,
        # as texts are short and there is nothing to save.
        query, key, value = split(self.attn_q(x)), split(self.attn_k(x)), split(self.attn_v(x))
        scores = (query @ key.transpose(-1, -2)) * (width // self.heads) ** -0.5
        attended = scores.masked_fill(~mask, MASKED).softmax(-1).to(value.dtype) @ value
        attended = attended.transpose(1, 2).reshape(batch, length, width)
        x = self.attn_output_norm(x + self.attn_output(attended))
        return self.layer_output_norm(x + self.ffn_down(F.gelu(self.ffn_up(x))))


class Encoder(nn.Module):
    """Token rows in, one vector of length 1 per text out."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.position_embd = nn.Embedding(shape.context, shape.width)
        self.token_types = nn.Embedding(2, shape.width)
        self.token_embd_norm = nn.LayerNorm(shape.width, eps=shape.epsilon)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))

    def hidden(self, rows: Tensor, present: Tensor) -> Tensor:
        """Returns the last layer's vectors, one per token. `present` is false where a row is padding."""
        positions = torch.arange(rows.shape[1])
        x = self.token_embd(rows) + self.position_embd(positions) + self.token_types.weight[0]
        x = self.token_embd_norm(x)
        mask = present[:, None, None, :]
        for layer in self.blk:
            x = layer(x, mask)
        return x

    def forward(self, rows: Tensor, present: Tensor) -> Tensor:
        return pool(self.hidden(rows, present), present)


def pool(hidden: Tensor, present: Tensor) -> Tensor:
    """Averages the present tokens' vectors and scales the result to length 1."""
    weights = present.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weights).sum(1) / weights.sum(1)
    return F.normalize(mean, dim=-1)


def load(shape: Shape, tensors: dict[str, np.ndarray]) -> Encoder:
    """Builds an encoder from GGUF tensors; names and shapes must match exactly."""
    encoder = Encoder(shape)
    encoder.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()})
    return encoder


def student_of(teacher: Encoder, layers: list[int], rows: list[int]) -> Encoder:
    """Builds a student from some of the teacher's layers and some rows of its vocabulary."""
    sizes = {**teacher.shape.__dict__, "layers": len(layers), "vocabulary": len(rows)}
    student = Encoder(Shape(**sizes))
    source = teacher.state_dict()
    state = {name: values for name, values in source.items() if not name.startswith("blk.")}
    state["token_embd.weight"] = source["token_embd.weight"][rows]
    for to, layer in enumerate(layers):
        prefix = f"blk.{layer}."
        for name, values in source.items():
            if name.startswith(prefix):
                state[f"blk.{to}.{name.removeprefix(prefix)}"] = values
    student.load_state_dict(state)
    return student
