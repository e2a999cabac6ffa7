"""A base's file: what is read, computed, adapted and written."""

import unittest

import gguf
import numpy as np
import torch
from torch.nn import functional as F

from base import adapter, export
from base.device import Device
from base.markup import KNOWS_TOOLS
from base.methods import Method, prepare, trained
from base.read import read_base, sha256
from embedder.gguf_io import read_both, read_metadata, read_tensors
from tests import tiny_base
from tests.tiny_base import Files


def halves_first(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Reorders the rows of q or k from llama.cpp's neighbouring pairs to the order that turns halves of a head."""
    size = weight.shape[0] // heads
    order = [head * size + pair * 2 + side for head in range(heads) for side in range(2) for pair in range(size // 2)]
    return weight[order]


def reference_logits(tensors: dict[str, np.ndarray], rows: list[int]) -> torch.Tensor:
    """A second, independent spelling of the architecture, as it is usually published: rotary positions turn halves."""
    weights = {name: torch.from_numpy(values).double() for name, values in tensors.items()}
    heads, keys, size = tiny_base.HEADS, tiny_base.KEY_VALUE_HEADS, tiny_base.WIDTH // tiny_base.HEADS

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt() * weights[name]

    def turn(x: torch.Tensor) -> torch.Tensor:
        angles = torch.outer(torch.arange(len(rows)).double(), tiny_base.ROPE_BASE ** (-torch.arange(0, size, 2).double() / size))
        first, second = x[..., : size // 2], x[..., size // 2 :]
        return torch.cat((first * angles.cos() - second * angles.sin(), second * angles.cos() + first * angles.sin()), -1)

    x = weights["token_embd.weight"][rows]
    for block in (f"blk.{at}." for at in range(tiny_base.LAYERS)):
        normed = norm(x, f"{block}attn_norm.weight")
        q = normed @ halves_first(weights[f"{block}attn_q.weight"], heads).T
        k = normed @ halves_first(weights[f"{block}attn_k.weight"], keys).T
        v = normed @ weights[f"{block}attn_v.weight"].T
        attended = []
        for head in range(heads):
            mine, shared = slice(head * size, (head + 1) * size), slice(head * keys // heads * size, (head * keys // heads + 1) * size)
            scores = turn(q[:, mine]) @ turn(k[:, shared]).T / size**0.5
            scores += torch.full_like(scores, -torch.inf).triu(1)
            attended.append(scores.softmax(-1) @ v[:, shared])
        x = x + torch.cat(attended, -1) @ weights[f"{block}attn_output.weight"].T
        normed = norm(x, f"{block}ffn_norm.weight")
        gate, up = (normed @ weights[f"{block}ffn_{part}.weight"].T for part in ("gate", "up"))
        x = x + (F.silu(gate) * up) @ weights[f"{block}ffn_down.weight"].T
    return norm(x, "output_norm.weight") @ weights["token_embd.weight"].T


class DecoderTest(Files):
    def test_turning_neighbours_equals_turning_halves_of_reordered_rows(self):
        rows = torch.randint(0, len(tiny_base.vocabulary()), (1, 40))
        with torch.no_grad():
            got = self.base.decoder.logits(self.base.decoder(rows))[0]
        torch.testing.assert_close(got.double(), reference_logits(read_tensors(self.path), rows[0].tolist()), atol=1e-4, rtol=1e-4)

    def test_decoding_in_pieces_equals_one_pass(self):
        rows = torch.randint(0, len(tiny_base.vocabulary()), (1, 30))
        with torch.no_grad():
            pasts = [[] for _ in self.base.decoder.blk]
            parts = [self.base.decoder(rows[:, start:end], pasts=pasts, start=start) for start, end in ((0, 11), (11, 12), (12, 30))]
            torch.testing.assert_close(torch.cat(parts, 1), self.base.decoder(rows), atol=1e-5, rtol=1e-5)

    def test_padding_on_the_right_changes_nothing(self):
        rows = torch.randint(0, len(tiny_base.vocabulary()), (1, 30))
        with torch.no_grad():
            padded = self.base.decoder(F.pad(rows, (0, 9)))[:, :30]
            torch.testing.assert_close(padded, self.base.decoder(rows), atol=1e-5, rtol=1e-5)

    def test_an_unknown_tensor_is_refused(self):
        metadata, tensors = read_both(self.path)
        self.assertNotIn("blk.0.attn_q.bias", tensors)
        writer = gguf.GGUFWriter(self.folder / "biased.gguf", "llama")
        export.copy_metadata(gguf.GGUFReader(self.path), writer, {})
        for name, values in {**tensors, "blk.0.attn_q.bias": np.zeros(tiny_base.WIDTH, np.float32)}.items():
            writer.add_tensor(name, values)
        export.finish(writer)
        with self.assertRaisesRegex(SystemExit, "attn_q.bias"):
            read_base(self.folder / "biased.gguf")


class MethodTest(Files):
    def test_only_the_chosen_layers_change_and_adapters_begin_as_nothing(self):
        rows = torch.randint(0, len(tiny_base.vocabulary()), (1, 20))
        with torch.no_grad():
            before = self.base.decoder(rows)
            frozen = prepare(self.base.decoder, Method("lora", layers=1, rank=4))
            torch.testing.assert_close(self.base.decoder(rows), before)
        self.assertEqual(frozen, 1)
        self.assertEqual({name.split(".")[1] for name in trained(self.base.decoder)}, {"1"})
        upper = read_base(self.path)
        self.assertEqual(prepare(upper.decoder, Method("upper", layers=1)), 1)
        self.assertEqual({".".join(name.split(".")[:2]) for name in trained(upper.decoder)}, {"blk.1", "output_norm.weight"})

    def test_bf16_gives_nearly_the_same_gradients(self):
        rows = torch.randint(0, len(tiny_base.vocabulary()), (2, 24))
        for method in (Method("lora", layers=2, rank=4), Method("upper", layers=1)):
            gradients = []
            for is_bf16 in (False, True):
                torch.manual_seed(5)
                base, device = read_base(self.path), Device("cpu", is_bf16)
                frozen = prepare(base.decoder, method)
                device.place(base.decoder)
                with device.autocast():
                    logits = base.decoder.logits(base.decoder.upper(base.decoder.lower(rows, frozen), frozen)[:, :-1])
                F.cross_entropy(logits.float().flatten(0, 1), rows[:, 1:].flatten()).backward()
                gradients.append(torch.cat([weight.grad.flatten() for weight in trained(base.decoder).values()]))
                self.assertEqual(gradients[-1].dtype, torch.float32)
            self.assertGreater(F.cosine_similarity(*gradients, dim=0).item(), 0.99)


class ApartTest(Files):
    """Tokens that are given: everybody sees them, and no gradient flows through them."""

    TOKENS = 400  # more than look at once

    def setUp(self):
        super().setUp()
        self.decoder = self.base.decoder
        self.frozen = prepare(self.decoder, Method("upper", layers=2))
        self.x = self.decoder.lower(torch.randint(3, 250, (1, self.TOKENS)), self.frozen)

    def gradients(self, vectors: torch.Tensor) -> dict[str, torch.Tensor]:
        self.decoder.zero_grad()
        vectors[:, -1].square().sum().backward()
        return {name: weight.grad.clone() for name, weight in trained(self.decoder).items()}

    def test_given_tokens_change_no_vector(self):
        given = torch.rand(self.TOKENS) < 0.7
        apart = self.decoder.upper_apart(self.x, self.frozen, given)
        torch.testing.assert_close(apart, self.decoder.upper(self.x, self.frozen)[:, ~given], atol=1e-5, rtol=1e-5)

    def test_matrices_learn_in_half_precision_too(self):
        given = torch.arange(self.TOKENS) % 3 > 0
        with torch.autocast("cpu", dtype=torch.bfloat16):
            vectors = self.decoder.upper_apart(self.x, self.frozen, given)
        for name, gradient in self.gradients(vectors.float()).items():
            self.assertGreater(gradient.norm(), 0, name)

    def test_gradients_are_whole_where_nothing_is_given_and_others_where_something_is(self):
        whole = self.gradients(self.decoder.upper(self.x, self.frozen))
        nothing = self.gradients(self.decoder.upper_apart(self.x, self.frozen, torch.zeros(self.TOKENS, dtype=torch.bool)))
        for name, gradient in whole.items():
            torch.testing.assert_close(nothing[name], gradient, atol=1e-4, rtol=1e-3, msg=name)
        given = torch.ones(self.TOKENS, dtype=torch.bool)
        given[-1] = False
        some = self.gradients(self.decoder.upper_apart(self.x, self.frozen, given))
        # In the last block what a query asks and what the keys answer is learned in full, below it what lies on the way through
        # given tokens is missing.
        for name in ("attn_q", "attn_k", "attn_v"):
            torch.testing.assert_close(some[f"blk.1.{name}.weight"], whole[f"blk.1.{name}.weight"], atol=1e-4, rtol=1e-3)
        self.assertGreater((some["blk.0.attn_k.weight"] - whole["blk.0.attn_k.weight"]).norm(), 0.1 * whole["blk.0.attn_k.weight"].norm())
        self.assertGreater(some["blk.0.attn_k.weight"].norm(), 0)


class ExportTest(Files):
    def random_checkpoint(self, method: Method) -> dict[str, object]:
        """Returns a checkpoint as if something had been trained."""
        base = read_base(self.path)
        prepare(base.decoder, method)
        weights = {name: weight.detach() + 0.1 * torch.randn_like(weight) for name, weight in trained(base.decoder).items()}
        return {"base": sha256(self.path), "method": method.to_dict(), "weights": weights, "step": 1, "tokens": 1}

    def test_a_file_written_from_what_was_read_holds_the_same(self):
        before, weights = read_both(self.path)
        for kind, tolerance in (("f16", 0.0), ("q8_0", 0.02), ("q4_1", 0.2)):
            export.write_model(self.path, export.as_arrays(self.base.decoder), self.folder / "again.gguf", kind, "again")
            after, tensors = read_both(self.folder / "again.gguf")
            self.assertEqual(tensors.keys(), weights.keys())
            for name, values in tensors.items():
                np.testing.assert_allclose(values, weights[name], atol=tolerance * np.abs(weights[name]).max(), rtol=0)
            changed = {key for key in after if after[key] != before.get(key)}
            self.assertEqual(changed - {"general.file_type"}, {"general.name", "mercer.prompt", "tokenizer.chat_template"})
            self.assertEqual(after["mercer.prompt"], "shop")
            self.assertEqual(after["tokenizer.chat_template"], KNOWS_TOOLS + tiny_base.TEMPLATE)
            self.assertLessEqual(before.keys(), after.keys())

    def test_a_base_without_a_run_keeps_its_tensors_byte_for_byte(self):
        export.write_model(self.path, None, self.folder / "same.gguf", "q8_0", "same")
        before, after = gguf.GGUFReader(self.path).tensors, gguf.GGUFReader(self.folder / "same.gguf").tensors
        self.assertEqual([(t.name, t.tensor_type, t.data.tobytes()) for t in after], [(t.name, t.tensor_type, t.data.tobytes()) for t in before])
        self.assertEqual(read_metadata(self.folder / "same.gguf")["general.file_type"], gguf.LlamaFileType.MOSTLY_F16)

    def test_an_adapter_added_by_hand_equals_the_whole_model(self):
        method = Method("lora", layers=1, rank=4, alpha=12.0)
        saved = self.random_checkpoint(method)
        adapter.write(saved, self.folder / "adapter.gguf", "adapter")
        metadata, thin = read_both(self.folder / "adapter.gguf")
        self.assertEqual((metadata["general.type"], metadata["adapter.type"], metadata["adapter.lora.alpha"]), ("adapter", "lora", 12.0))
        whole = export.trained_base(self.path, saved).decoder.state_dict()
        adapted = {name.removesuffix(".lora_a") for name in thin if name.endswith(".lora_a")}
        self.assertEqual(len(adapted), 7)
        for name, values in read_tensors(self.path).items():
            if name in adapted:  # as llama.cpp does: alpha over the rank, which is a length of b
                low, high = thin[f"{name}.lora_a"], thin[f"{name}.lora_b"]
                values = values + metadata["adapter.lora.alpha"] / high.shape[1] * high @ low
            np.testing.assert_allclose(whole[name].numpy(), values, atol=2e-3)

    def test_a_checkpoint_of_another_base_is_refused(self):
        saved = self.random_checkpoint(Method("upper", layers=1))
        tiny_base.write(self.path, seed=2)
        with self.assertRaisesRegex(SystemExit, "another base"):
            export.trained_base(self.path, saved)


if __name__ == "__main__":
    unittest.main()
