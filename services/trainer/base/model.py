"""The `llama` architecture of GGUF files in PyTorch: RMSNorm, rotary positions, grouped keys and values, SwiGLU.

Modules carry llama.cpp's tensor names, and matrices stay as they lie in the file. There the rows of q and k are ordered
so that rotary positions turn neighbouring pairs; turning neighbouring pairs here means that nothing is permuted when a
file is read, trained or written.

Not here: reading a file (`read`), adapters (`lora`), training.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

# Names within a block. llama.cpp adapts the same ones.
LINEARS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True)
class Shape:
    """Sizes of the decoder, as the file's metadata tells them."""

    vocabulary: int
    width: int
    layers: int
    heads: int
    key_value_heads: int
    head_size: int
    feed_forward: int
    context: int  # positions, in tokens
    rope_base: float
    epsilon: float


class Norm(nn.Module):
    """Root-mean-square norm, always in float32."""

    def __init__(self, width: int, epsilon: float):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), (x.shape[-1],), self.weight, self.epsilon)


def angles(shape: Shape, start: int, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Returns cosines and sines of `length` positions from `start` on, positions by pairs of a head."""
    speeds = shape.rope_base ** (-torch.arange(0, shape.head_size, 2, device=device).float() / shape.head_size)
    turned = torch.outer(torch.arange(start, start + length, device=device).float(), speeds)
    return turned.cos(), turned.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns each neighbouring pair by its position's angle."""
    even, odd = x.unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, odd * cos + even * sin), dim=-1).flatten(-2)


def attend(q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
    """Attention over what is `seen`, queries by keys. Without it causal: where there are more keys, the queries are the last ones.

    In float32 on a processor: the backward pass of PyTorch's attention in bf16 there takes longer than all the rest.
    """
    queries, keys = q.shape[2], k.shape[2]
    is_causal = seen is None and queries == keys
    if seen is None and 1 < queries < keys:
        seen = torch.ones(queries, keys, dtype=torch.bool, device=q.device).tril(keys - queries)
    with torch.autocast(q.device.type, enabled=q.is_cuda):
        if not q.is_cuda:
            q, k, v = q.float(), k.float(), v.float()
        return F.scaled_dot_product_attention(q, k, v, attn_mask=seen, is_causal=is_causal, enable_gqa=True)


# How many queries look at once; keys behind the last of them cost nothing. Of 64, 128, 192, 256 and 512 the fastest.
QUERIES_AT_ONCE = 192
Part = tuple[slice, int, Tensor]


def parts(stand: Tensor) -> list[Part]:
    """Cuts queries that stand at these rising positions: which ones, how many keys they need, and what they see of those."""
    cut = []
    for start in range(0, len(stand), QUERIES_AT_ONCE):
        which = slice(start, min(start + QUERIES_AT_ONCE, len(stand)))
        keys = int(stand[which.stop - 1]) + 1
        seen = torch.arange(keys, device=stand.device)[None, :] <= stand[which, None]
        cut.append((which, keys, torch.zeros(seen.shape, device=stand.device).masked_fill_(~seen, float("-inf"))))
    return cut


def attend_in_parts(q: Tensor, k: Tensor, v: Tensor, cut: list[Part]) -> Tensor:
    """Attention of queries that stand anywhere among the keys, as `parts` cut them."""
    if not cut:
        return q
    return torch.cat([attend(q[:, :, which], k[:, :, :keys], v[:, :, :keys], seen) for which, keys, seen in cut], dim=2)


class Block(nn.Module):
    """Attention and feed-forward, each added to the stream after a norm (pre-norm)."""

    def __init__(self, shape: Shape):
        super().__init__()
        self.head_size = shape.head_size
        queries, keys = shape.heads * shape.head_size, shape.key_value_heads * shape.head_size
        self.attn_norm = Norm(shape.width, shape.epsilon)
        self.attn_q = nn.Linear(shape.width, queries, bias=False)
        self.attn_k = nn.Linear(shape.width, keys, bias=False)
        self.attn_v = nn.Linear(shape.width, keys, bias=False)
        self.attn_output = nn.Linear(queries, shape.width, bias=False)
        self.ffn_norm = Norm(shape.width, shape.epsilon)
        self.ffn_gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.ffn_down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, past: list[Tensor] | None) -> Tensor:
        q, k, v = self._queries_keys_values(x, cos, sin)
        if past is not None:  # keep keys and values for the next step
            if past:
                k, v = torch.cat((past[0], k), dim=2), torch.cat((past[1], v), dim=2)
            past[:] = [k, v]
        return self._feed_forward(x, attend(q, k, v))

    def apart(self, given: Tensor, x: Tensor, places: "Places", is_last: bool) -> tuple[Tensor, Tensor]:
        """Computes tokens that are given, through which no gradient flows, and the others; each sees all before it.

        How keys and values are made of given tokens is learned all the same: it costs next to nothing, and is how a model
        learns what to look at. In the last block nothing needs more of the given ones than that.
        """
        q, k, v = self._queries_keys_values(x, *places.angles)
        with torch.no_grad():
            normed = self.attn_norm(given)
        # With gradients before without: autocast keeps what it made of a matrix, and made without it would be used with them.
        k_given, v_given = rotate(self._heads(self.attn_k(normed)), *places.angles_given).to(v.dtype), self._heads(self.attn_v(normed))
        k, v = (torch.cat(both, dim=2).index_select(2, places.order) for both in ((k_given, k), (v_given, v)))
        x = self._feed_forward(x, attend_in_parts(q, k, v, places.parts))
        if not is_last:
            with torch.no_grad():
                q_given = rotate(self._heads(self.attn_q(normed)), *places.angles_given).to(v.dtype)
                given = self._feed_forward(given, attend_in_parts(q_given, k.detach(), v.detach(), places.parts_given))
        return given, x

    def _queries_keys_values(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        normed = self.attn_norm(x)
        q, k, v = (self._heads(project(normed)) for project in (self.attn_q, self.attn_k, self.attn_v))
        return rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype), v

    def _feed_forward(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + self.attn_output(attended.transpose(1, 2).flatten(2))
        normed = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(normed)) * self.ffn_up(normed))

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_size)).transpose(1, 2)


class Places:
    """Where the tokens of one sequence stand, those that are given apart from the others."""

    def __init__(self, shape: Shape, given: Tensor):
        """`given` tells of each token whether no gradient flows through it."""
        self.others, self.given = (~given).nonzero()[:, 0], given.nonzero()[:, 0]
        turned = angles(shape, 0, len(given), given.device)
        self.angles_given, self.angles = (tuple(part[which] for part in turned) for which in (self.given, self.others))
        self.order = torch.cat((self.given, self.others)).argsort()  # brings the given ones and the others back in line
        self.parts_given, self.parts = parts(self.given), parts(self.others)


class Table(nn.Module):
    """A vector for each piece of the vocabulary."""

    def __init__(self, vocabulary: int, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(vocabulary, width))

    def forward(self, rows: Tensor) -> Tensor:
        return F.embedding(rows, self.weight).float()


class Decoder(nn.Module):
    """Token rows in, a vector per token out; `logits` turns vectors into scores."""

    def __init__(self, shape: Shape, has_own_output: bool = False):
        """Without an output of its own, the output is tied to the embeddings."""
        super().__init__()
        self.shape = shape
        self.token_embd = Table(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape.width, shape.epsilon)
        self.output = nn.Linear(shape.width, shape.vocabulary, bias=False) if has_own_output else None

    def forward(self, rows: Tensor, pasts: list[list[Tensor]] | None = None, start: int = 0) -> Tensor:
        """Computes the vectors of `rows`, which stand at positions from `start` on."""
        return self.output_norm(self._blocks(self.token_embd(rows), range(len(self.blk)), pasts, start))

    def lower(self, rows: Tensor, frozen: int) -> Tensor:
        """Computes the embeddings and the first `frozen` blocks. No gradient flows, and nothing is kept for one."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and frozen == 0):
            return self._blocks(self.token_embd(rows), range(frozen))

    def upper(self, x: Tensor, frozen: int) -> Tensor:
        """Computes the other blocks from what `lower` gives."""
        return self.output_norm(self._blocks(x, range(frozen, len(self.blk))))

    def upper_apart(self, x: Tensor, frozen: int, given: Tensor) -> Tensor:
        """Computes the other blocks of one sequence from what `lower` gives; returns the vectors of tokens that are not given.

        No gradient flows through those that are. In a conversation most tokens are evidence that tools gave, and a gradient
        costs twice what the way there does. With keys and values of given tokens learned nevertheless, the gradient of a
        half-trained 135 M model has a cosine of 0.92 with the whole one, without 0.89 (0.92 and 0.72 for the keys' matrices).
        """
        places = Places(self.shape, given)
        x_given, x = x[:, places.given].detach(), x[:, places.others]
        for at, block in enumerate(self.blk[frozen:], frozen + 1):
            x_given, x = block.apart(x_given, x, places, is_last=at == len(self.blk))
        return self.output_norm(x)

    def _blocks(self, x: Tensor, which: range, pasts: list[list[Tensor]] | None = None, start: int = 0) -> Tensor:
        cos, sin = angles(self.shape, start, x.shape[1], x.device)
        for at in which:
            x = self.blk[at](x, cos, sin, None if pasts is None else pasts[at])
        return x

    def logits(self, vectors: Tensor) -> Tensor:
        """Scores every piece of the vocabulary."""
        return F.linear(vectors, (self.output or self.token_embd).weight)
