"""The embedder's chain: vocabulary, encoder, export."""

import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path

import torch
from gguf import GGMLQuantizationType

from embedder import bert, evaluate, export, wordpiece
from embedder.batches import by_length, embed, padded
from embedder.texts import Texts

TOKENS = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "▁ket", "tle", "▁日", "▁£", "▁red", "▁a", "s"]
KINDS = [3, 5, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1]
METADATA = {
    "tokenizer.ggml.tokens": TOKENS, "tokenizer.ggml.token_type": KINDS,
    **{f"tokenizer.ggml.{name}_token_id": row for name, row in
       {"bos": 3, "eos": 4, "unknown": 2, "seperator": 4, "padding": 0, "mask": 5, "cls": 3}.items()},
}


def teacher() -> bert.Encoder:
    torch.manual_seed(3)
    return bert.Encoder(bert.Shape(vocabulary=len(TOKENS), width=64, layers=3, heads=4, feed_forward=96, context=32, epsilon=1e-12)).eval()


class EmbedderTest(unittest.TestCase):
    def setUp(self):
        self.rows = wordpiece.rows_kept(TOKENS, KINDS)
        self.tokenizer = wordpiece.build([TOKENS[row] for row in self.rows], [KINDS[row] for row in self.rows], 32)

    def test_vocabulary_keeps_latin_and_shop_signs(self):
        self.assertEqual([TOKENS[row] for row in range(len(TOKENS)) if row not in self.rows], ["[unused0]", "▁日"])
        self.assertEqual(self.tokenizer.encode("A red KETTLES £").tokens, ["[CLS]", "a", "red", "ket", "##tle", "##s", "£", "[SEP]"])

    def test_a_student_of_all_layers_gives_the_teachers_vectors(self):
        old, new = teacher(), bert.student_of(teacher(), [0, 1, 2], self.rows).eval()
        ids = self.tokenizer.encode("a red kettle").ids
        present = torch.ones(1, len(ids), dtype=torch.bool)
        with torch.no_grad():
            torch.testing.assert_close(new(torch.tensor([ids]), present), old(torch.tensor([[self.rows[i] for i in ids]]), present))

    def test_padding_changes_nothing(self):
        encoder = bert.student_of(teacher(), [0, 2], self.rows).eval()
        texts = ["a red kettle", "red", "a a a a a red red kettles"]
        alone = torch.cat([embed(encoder, self.tokenizer, [text]) for text in texts])
        torch.testing.assert_close(embed(encoder, self.tokenizer, texts), alone, atol=1e-5, rtol=1e-5)

    def test_groups_hold_every_text_once(self):
        encodings = [[1] * length for length in (3, 9, 1, 7, 30, 2)]
        groups = by_length(encodings, 20)
        self.assertEqual(sorted(at for group in groups for at in group), list(range(6)))
        self.assertEqual(padded([[5, 6], [7]])[1].tolist(), [[True, True], [True, False]])

    def test_exported_file_reads_back_close_to_the_student(self):
        student = bert.student_of(teacher(), [0, 2], self.rows).eval()
        saved = {"state": student.state_dict(), "shape": asdict(student.shape), "rows_kept": self.rows}
        texts = ["a red kettle", "kettles £"]
        for words, closeness in ((GGMLQuantizationType.Q8_0, 0.999), (GGMLQuantizationType.Q4_0, 0.95)):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "student.gguf"
                export.write(METADATA, saved, path, "test", words)
                again, tokenizer, _ = evaluate.load(path)
            cosine = (embed(again, tokenizer, texts) * embed(student, self.tokenizer, texts)).sum(-1)
            self.assertGreater(cosine.min().item(), closeness)

    def test_texts_are_seeded_and_varied(self):
        first, same, other = (Texts(seed, ["paper", "water"]).batch(300) for seed in (1, 1, 2))
        self.assertEqual(first, same)
        self.assertGreater(len(set(first)), 290)
        self.assertLess(len(set(first) & set(other)), 30)


class MeasureTest(unittest.TestCase):
    def test_equal_vectors_score_one_and_unrelated_ones_do_not(self):
        torch.manual_seed(1)
        a, b = (torch.nn.functional.normalize(torch.randn(60, 32), dim=-1) for _ in range(2))
        self.assertEqual(evaluate.compare(a, a, 10)["teacher_top10_found"], 1.0)
        self.assertLess(evaluate.compare(a, b, 10)["spearman"], 0.3)


if __name__ == "__main__":
    unittest.main()
