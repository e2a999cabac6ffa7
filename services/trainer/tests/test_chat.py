"""The chat model's chain: layout, tokenizer, decoder, export."""

import json
import random
import tempfile
import unicodedata
import unittest
from pathlib import Path

import jinja2
import torch

from chat import dialogue, export, gguf_model, tokenizer
from chat.data import Dialogues
from chat.evaluate import greedy
from chat.model import Decoder, Shape
from chat.muon import orthogonal
from chat.toy import Toy
from embedder.gguf_io import read_metadata

SMALL = 1000  # tokens; the toy corpus has pieces for somewhat more


def toy_texts(count: int) -> list[str]:
    toy = Toy(7)
    return [message["content"] for _ in range(count) for message in toy.dialogue()]


def kind(char: str) -> str:
    """Letter, number, space or other, by Unicode category."""
    category = unicodedata.category(char)[0]
    return "space" if char.isspace() else {"L": "letter", "N": "number"}.get(category, "other")


def split_as_llama_cpp(text: str) -> list[str]:
    """A second, independent spelling of the `smollm` rules: digits alone, then the GPT-2 pattern."""
    parts, run = [], ""
    for char in text:
        if kind(char) == "number":
            parts += [run, char]
            run = ""
        else:
            run += char
    return [chunk for part in [*parts, run] if part for chunk in _gpt2(part)]


def _gpt2(text: str) -> list[str]:
    chunks, at = [], 0
    while at < len(text):
        short = next((s for s in ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d") if text.startswith(s, at)), None)
        if short:
            end = at + len(short)
        else:
            body = at + (text[at] == " " and at + 1 < len(text) and kind(text[at + 1]) != "space")
            if kind(text[body]) != "space":
                end = body
                while end < len(text) and kind(text[end]) == kind(text[body]):
                    end += 1
            else:
                end = at
                while end < len(text) and kind(text[end]) == "space":
                    end += 1
                if end < len(text) and end - at > 1:
                    end -= 1  # the last space belongs to the next word
        chunks.append(text[at:end])
        at = end
    return chunks


def bpe(chunk: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    """Merges the best-ranked neighbours until none is left, as llama.cpp does."""
    pieces = [byte_char(byte) for byte in chunk.encode()]
    while len(pieces) > 1:
        rank, at = min((ranks.get(pair, 1 << 30), at) for at, pair in enumerate(zip(pieces, pieces[1:])))
        if rank == 1 << 30:
            break
        pieces[at : at + 2] = [pieces[at] + pieces[at + 1]]
    return pieces


def byte_char(byte: int) -> str:
    """GPT-2's printable stand-in for a byte."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return chr(byte) if byte in printable else chr(256 + [b for b in range(256) if b not in printable].index(byte))


class TokenizerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = tokenizer.train(toy_texts(1500), SMALL)

    def test_has_exactly_the_asked_size_and_specials_first(self):
        self.assertEqual(self.tokenizer.get_vocab_size(), SMALL)
        self.assertEqual([self.tokenizer.token_to_id(token) for token in dialogue.SPECIALS], [0, 1, 2, 3, 4])

    def test_any_text_survives(self):
        for text in ["£45.99 — “naïve” 12½\n\n  two  spaces ", "日本 \t kettle's 🫖", "", " ", "a  5"]:
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text).ids), text)

    def test_agrees_with_an_independent_bpe_over_the_exported_merges(self):
        ranks = {tuple(merge): rank for rank, merge in enumerate(json.loads(self.tokenizer.to_str())["model"]["merges"])}
        chars = "  abckettleTrail'sdl'llvem0123456789£.,?!{}\":[]_-½²éßλ日本🫖\n\t"
        pick = random.Random(5)
        wild = ["".join(pick.choices(chars, k=pick.randint(1, 40))) for _ in range(2000)]
        for text in wild + toy_texts(100):
            wanted = [piece for chunk in split_as_llama_cpp(text) for piece in bpe(chunk, ranks)]
            self.assertEqual(self.tokenizer.encode(text).tokens, wanted, repr(text))

    def test_a_word_has_the_same_pieces_after_a_space_and_after_a_quote(self):
        for word in ["kettle", "zorbexify", "Quellmont", "waterproof", "xqzt"]:
            spaced = self.tokenizer.encode(f"a {word}").tokens[1:]
            spaced = spaced[1:] if spaced[0] == "Ġ" else [spaced[0][1:], *spaced[1:]]
            self.assertEqual(self.tokenizer.encode(f'"{word}').tokens[1:], spaced)


class LayoutTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = tokenizer.train(toy_texts(1500), SMALL)

    def test_rows_follow_the_chat_template(self):
        template = jinja2.Template(dialogue.CHAT_TEMPLATE)
        toy = Toy(3)
        for _ in range(50):
            messages = toy.dialogue()
            [(rows, labels)] = dialogue.encode_all(self.tokenizer, [messages])
            whole = self.tokenizer.encode(template.render(messages=messages)).ids
            self.assertEqual(rows, whole[:-1])
            self.assertTrue(all(label in (dialogue.NO_LABEL, row) for label, row in zip(labels, whole[1:])))

    def test_only_assistant_contents_and_their_end_are_learned(self):
        messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": '{"calls":[]}'}, {"role": "tool", "content": "none"}, {"role": "assistant", "content": "Hello"}]
        [(_, labels)] = dialogue.encode_all(self.tokenizer, [messages])
        spans = [self.tokenizer.decode(labels[start:end], skip_special_tokens=False) for start, end in dialogue.assistant_spans(labels)]
        self.assertEqual(spans, ['{"calls":[]}<|end|>', "Hello<|end|>"])


class DataTest(unittest.TestCase):
    def test_long_dialogues_are_cut_after_a_whole_message_and_every_one_is_served(self):
        trained = tokenizer.train(toy_texts(1500), SMALL)
        toy = Toy(3)
        with tempfile.TemporaryDirectory() as folder:
            corpus, saved = Path(folder) / "corpus.jsonl", Path(folder) / "saved.npz"
            corpus.write_text("".join(json.dumps({"messages": toy.dialogue()}) + "\n" for _ in range(60)))
            Dialogues.encode(corpus, trained, 200).save(saved)
            data = Dialogues.load(saved)
        self.assertGreater(data.cut, 0)
        self.assertLessEqual(max(data.lengths), 200)
        end = trained.token_to_id(dialogue.END)
        stream, served = data.stream(600, 1, 0, 1), []
        while len(served) < len(data):
            picked = next(stream)
            served += picked
            rows, labels = data.batch(picked)
            self.assertLessEqual(rows.numel(), 600)
            for line in labels.tolist():
                self.assertEqual(line[dialogue.assistant_spans(line)[-1][1] - 1], end)
        self.assertEqual(sorted(served), list(range(len(data))))


class ModelTest(unittest.TestCase):
    def test_decoding_with_kept_keys_equals_one_pass(self):
        torch.manual_seed(1)
        model = Decoder(Shape(vocabulary=64, width=64, layers=3, heads=2, feed_forward=96, context=64)).eval()
        rows = torch.randint(0, 64, (1, 20))
        with torch.no_grad():
            whole = model.logits(model(rows))[0]
            pasts = [[] for _ in model.blk]
            parts = [model.logits(model(rows[:, :12], pasts))[0]] + [model.logits(model(rows[:, at : at + 1], pasts, at))[0] for at in range(12, 20)]
        torch.testing.assert_close(torch.cat(parts), whole, atol=1e-4, rtol=1e-4)

    def test_newton_schulz_brings_singular_values_near_one(self):
        torch.manual_seed(1)
        for shape in [(2, 48, 16), (3, 16, 48), (1, 32, 32)]:
            values = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
            self.assertGreater(values.min().item(), 0.3)
            self.assertLess(values.max().item(), 1.4)


class ExportTest(unittest.TestCase):
    def test_file_reads_back_as_the_same_model_and_tokenizer(self):
        torch.manual_seed(1)
        trained = tokenizer.train(toy_texts(1500), SMALL)
        model = Decoder(Shape(vocabulary=SMALL, width=64, layers=2, heads=2, feed_forward=96, context=128)).eval()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.gguf"
            export.write(model, trained, path, "test", "f16")
            metadata = read_metadata(path)
            again, again_tokenizer = gguf_model.load(path)
        self.assertEqual(metadata["mercer.prompt"], "compact")
        self.assertEqual(metadata["tokenizer.chat_template"], dialogue.CHAT_TEMPLATE)
        self.assertEqual(metadata["tokenizer.ggml.token_type"][:6], [3, 3, 3, 3, 3, 1])
        self.assertEqual(metadata["tokenizer.ggml.tokens"][metadata["tokenizer.ggml.eos_token_id"]], dialogue.END)
        text = "do you have a Quellmont kettle under £45?"
        self.assertEqual(again_tokenizer.encode(text).ids, trained.encode(text).ids)
        rows = torch.tensor([trained.encode(text).ids])
        with torch.no_grad():
            torch.testing.assert_close(again.logits(again(rows)), model.logits(model(rows)), atol=2e-2, rtol=2e-2)

    def test_greedy_stops_at_the_end_token_or_the_context(self):
        trained = tokenizer.train(toy_texts(1500), SMALL)
        model = Decoder(Shape(vocabulary=SMALL, width=32, layers=1, heads=1, feed_forward=32, context=24)).eval()
        text = greedy(model, trained, trained.encode("hello").ids, [[] for _ in model.blk], 0)
        self.assertLess(len(trained.encode(text).ids), 40)


if __name__ == "__main__":
    unittest.main()
