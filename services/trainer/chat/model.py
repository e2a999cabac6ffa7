"""A llama-shaped decoder: RMSNorm, rotary positions on neighbouring pairs, SwiGLU, output tied to the embeddings.

Neighbouring (interleaved) pairs are what GGUF's `llama` architecture expects, so no tensor is permuted on export.
Not here: training, sampling by grammar (the engine's part).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

MASKED = -1e4  # as good as minus infinity in a softmax, and a number in every float type


@dataclass(frozen=True)
class Shape:
    """Sizes of the decoder. The defaults have about 3.7 million parameters."""

    vocabulary: int = 4096
    width: int = 256
    layers: int = 4
    heads: int = 4
    feed_forward: int = 512
    context: int = 1024
    rope_base: float = 10_000.0
    epsilon: float = 1e-5

    def to_dict(self) -> dict[str, float]:
        """Returns the sizes for a checkpoint."""
        return asdict(self)


class Norm(nn.Module):
    """Root-mean-square norm."""

    def __init__(self, width: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.epsilon)


def rotary_table(shape: Shape) -> tuple[Tensor, Tensor]:
    """Returns cosines and sines, positions by pairs of a head."""
    size = shape.width // shape.heads
    speeds = shape.rope_base ** (-torch.arange(0, size, 2).float() / size)
    angles = torch.outer(torch.arange(shape.context).float(), speeds)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns each neighbouring pair by its position's angle."""
    pairs = x.unflatten(-1, (-1, 2))
    even, odd = pairs[..., 0], pairs[..., 1]
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)


class Layer(nn.Module):
    """Attention and feed-forward, each added to the stream after a norm (pre-norm)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.heads = shape.heads
        self.attn_norm = Norm(shape.width, shape.epsilon)
        self.attn_qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.attn_output = nn.Linear(shape.width, shape.width, bias=False)
        self.ffn_norm = Norm(shape.width, shape.epsilon)
        self.ffn_gate_up = nn.Linear(shape.width, 2 * shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, past: list[Tensor] | None) -> Tensor:
        batch, length, width = x.shape
        q, k, v = (
            y.view(batch, length, self.heads, -1).transpose(1, 2) for y in self.attn_qkv(self.attn_norm(x)).chunk(3, dim=-1)
        )
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        if past is not None:  # keep keys and values for the next step
            if past:
                k, v = torch.cat((past[0], k), dim=2), torch.cat((past[1], v), dim=2)
            past[:] = [k, v]
        # Written out: in bf16, the backward pass of PyTorch's own attention takes longer than all the rest of a step.
        scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
        if length > 1:
            later = torch.ones(length, length, dtype=torch.bool).triu(1)
            scores = scores.masked_fill(later, MASKED)
        attended = scores.softmax(-1).to(v.dtype) @ v
        x = x + self.attn_output(attended.transpose(1, 2).reshape(batch, length, width))
        gate, up = self.ffn_gate_up(self.ffn_norm(x)).chunk(2, dim=-1)
        return x + self.ffn_down(F.silu(gate) * up)


class Decoder(nn.Module):
    """Token rows in, a vector per token out; `logits` turns vectors into scores."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape.width, shape.epsilon)
        cos, sin = rotary_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self._start_weights()

    def _start_weights(self) -> None:
        deep = 0.02 / (2 * self.shape.layers) ** 0.5
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                is_into_stream = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=deep if is_into_stream else 0.02 if "embd" in name else self.shape.width**-0.5)

    def forward(self, rows: Tensor, pasts: list[list[Tensor]] | None = None, start: int = 0) -> Tensor:
        x = self.token_embd(rows)
        cos, sin = self.cos[start : start + rows.shape[1]], self.sin[start : start + rows.shape[1]]
        for at, layer in enumerate(self.blk):
            x = layer(x, cos, sin, None if pasts is None else pasts[at])
        return self.output_norm(x)

    def logits(self, vectors: Tensor) -> Tensor:
        return F.linear(vectors, self.token_embd.weight)

    def parameter_count(self) -> int:
        """Counts trained numbers; the tied table counts once."""
        return sum(weight.numel() for weight in self.parameters())
