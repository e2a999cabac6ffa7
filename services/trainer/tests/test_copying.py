"""Copying batches: every label repeats what the user said."""

import unittest

from chat import tokenizer
from chat.copying import ROW_TOKENS, Copying
from chat.dialogue import NO_LABEL
from tests.test_chat import SMALL, toy_texts


class CopyingTest(unittest.TestCase):
    def test_labels_are_the_next_token_and_occur_in_what_was_said(self):
        copying = Copying(tokenizer.train(toy_texts(1500), SMALL), 3)
        rows, labels = copying.batch(4 * ROW_TOKENS)
        self.assertEqual(rows.shape, (4, ROW_TOKENS))
        learned = 0
        for row, wanted in zip(rows.tolist(), labels.tolist()):
            said: set[int] = set()
            is_user = False
            for at, token in enumerate(row[:-1]):
                if token == copying.user:
                    said, is_user = set(), True
                elif token == copying.assistant:
                    is_user = False
                elif is_user:
                    said.add(token)
                if wanted[at] != NO_LABEL:
                    learned += 1
                    self.assertFalse(is_user)
                    self.assertEqual(wanted[at], row[at + 1])
                    self.assertIn(wanted[at], said | {copying.end})
        self.assertGreater(learned, ROW_TOKENS // 2)


if __name__ == "__main__":
    unittest.main()
