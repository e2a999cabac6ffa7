"""Fine-tuning as a whole: it learns, it can be killed, and it goes on as if nothing had happened."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from base import checkpoint, export, train
from base.methods import METHODS
from tests import tiny_base

TRAINER = Path(__file__).parent.parent
# Trains like the command, but saves after every third step and is killed inside the eighth, as by kill -9.
KILLED = """
import os, signal
from base import train
kept, update = train.Trainer.save, train.Trainer._update
def save(self):
    if self.step % 3 == 0:
        kept(self)
def die(self, rate):
    if self.step == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    update(self, rate)
train.Trainer.save, train.Trainer._update = save, die
train.main()
"""


class TrainingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        tiny_base.write(cls.folder / "tiny.gguf")
        tiny_base.write_lines(cls.folder / "train.jsonl", tiny_base.conversations(40))
        tiny_base.write_lines(cls.folder / "heldout.jsonl", tiny_base.conversations(6, seed=2))

    def options(self, out: str, *more: str) -> list[str]:
        """Returns the options of a training of two passes."""
        files = {"base": "tiny.gguf", "corpus": "train.jsonl", "heldout": "heldout.jsonl", "out": out}
        placed = [word for name, file in files.items() for word in (f"--{name}", str(self.folder / file))]
        return [*placed, "--epochs", "2", "--batch-tokens", "2048", "--group-tokens", "512", "--rate", "5e-3", "--rank", "4",
                "--device", "cpu", "--precision", "fp32", "--workers", "1", "--threads", "1", *more]

    def train(self, out: str, *more: str) -> str:
        """Trains in this process; returns what was printed."""
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            train.main(self.options(out, *more))
        return printed.getvalue()

    def train_apart(self, *command: str) -> subprocess.CompletedProcess:
        """Trains in a process of its own."""
        return subprocess.run([sys.executable, *command], cwd=TRAINER, capture_output=True, text=True)

    def lines(self, out: str) -> list[dict[str, float]]:
        return [json.loads(line) for line in (self.folder / out / "progress.jsonl").read_text().splitlines()]

    def losses(self, out: str) -> dict[int, float]:
        """Returns each step's loss; a step that was noted twice fails."""
        noted = [(line["step"], line["loss"]) for line in self.lines(out) if "loss" in line]
        self.assertEqual([step for step, _ in noted], list(range(1, len(noted) + 1)))
        return dict(noted)

    def saved(self, out: str) -> dict[str, object]:
        return checkpoint.load(self.folder / out / checkpoint.NAME)

    def test_a_killed_run_goes_on_as_if_nothing_had_happened(self):
        for method, more in (("lora", ()), ("upper", ()), ("upper", ("--mean-steps", "5"))):
            with self.subTest(method, more=more):
                whole_run, killed_run = (f"{which}-{method}-{len(more)}" for which in ("whole", "killed"))
                options = ("--method", method, *more)
                self.train(whole_run, *options)
                killed = self.train_apart("-c", KILLED, *self.options(killed_run, *options, "--save-minutes", "0"))
                self.assertEqual(killed.returncode, -signal.SIGKILL, killed.stderr)
                self.assertEqual(self.saved(killed_run)["step"], 6)
                (self.folder / killed_run / "checkpoint.part").write_bytes(b"torn")
                self.assertIn("from step 6", self.train(killed_run, *options))
                whole = self.losses(whole_run)
                self.assertGreater(len(whole), 10)
                self.assertEqual(self.losses(killed_run), whole)
                self.assertLess(whole[len(whole)], 0.8 * whole[1])
                weights = self.saved(killed_run)["weights"]
                for name, weight in self.saved(whole_run)["weights"].items():
                    # Kept vectors of the lower block may come from a batch of another shape, rounded otherwise.
                    torch.testing.assert_close(weight, weights[name], atol=1e-6, rtol=1e-5, msg=name)

    def test_a_mean_of_weights_is_what_is_kept_and_scored(self):
        self.train("plain", "--method", "upper")
        self.train("mean", "--method", "upper", "--mean-steps", "5")
        self.assertEqual(self.losses("mean"), self.losses("plain"))  # it changes no step
        plain, saved = self.saved("plain"), self.saved("mean")
        for name, weight in saved["trained"].items():
            torch.testing.assert_close(weight, plain["weights"][name])
            self.assertFalse(torch.equal(weight, saved["weights"][name]), name)
        self.assertNotEqual(self.lines("mean")[-1]["heldout_loss"], self.lines("plain")[-1]["heldout_loss"])

    def test_two_workers_learn_what_one_learns(self):
        # With `upper` they also share what the frozen block made of the sequences in the first pass.
        for method in METHODS:
            with self.subTest(method):
                one, two = f"one-{method}", f"two-{method}"
                self.train(one, "--method", method)
                done = self.train_apart("-m", "base.train", *self.options(two, "--method", method, "--workers", "2"))
                self.assertEqual(done.returncode, 0, done.stderr)
                self.compare(one, two)

    def compare(self, one: str, two: str) -> None:
        """Compares what two runs printed of their steps and their last scores."""
        losses_one, losses_two = self.losses(one), self.losses(two)
        self.assertEqual(losses_one.keys(), losses_two.keys())
        for step, loss in losses_one.items():
            self.assertAlmostEqual(losses_two[step], loss, delta=0.02)
        score_one, score_two = self.lines(one)[-1], self.lines(two)[-1]
        self.assertEqual(score_one["plans"], score_two["plans"])
        self.assertAlmostEqual(score_one["heldout_loss"], score_two["heldout_loss"], delta=0.02)

    def test_kept_vectors_are_used_and_torn_ones_made_again(self):
        self.train("kept", "--method", "upper")
        [kept] = (self.folder / "kept").glob("lower-*.bin")
        numbers = np.fromfile(kept, dtype=np.float32)
        self.assertTrue(numbers.all())  # of every sequence
        (self.folder / "kept" / checkpoint.NAME).unlink()
        torn = numbers.copy()
        torn[: len(torn) // 2] = 0  # as after a crash of the machine
        torn.tofile(kept)
        losses = self.losses("kept")
        self.train("kept", "--method", "upper")
        for step, loss in self.losses("kept").items():
            self.assertAlmostEqual(loss, losses[step], places=4)
        np.testing.assert_allclose(np.fromfile(kept, dtype=np.float32), numbers, atol=1e-2)

    def test_it_learns_without_gradients_through_what_is_given(self):
        self.train("said", "--method", "upper", "--gradients", "said", "--words-count", "0.5")
        losses = self.losses("said")
        self.assertLess(losses[len(losses)], 0.8 * losses[1])

    def test_a_run_keeps_its_method_and_another_can_start_from_it(self):
        self.train("first")
        with self.assertRaisesRegex(SystemExit, "use another folder"):
            self.train("first", "--rank", "8")
        weights = self.folder / "weights.pt"
        with contextlib.redirect_stdout(io.StringIO()):
            export.main(["--base", str(self.folder / "tiny.gguf"), "--run", str(self.folder / "first"), "--weights", "--out", str(weights)])
        self.train("second", "--start", str(weights))
        self.assertLess(self.losses("second")[1], 0.9 * self.losses("first")[1])


if __name__ == "__main__":
    unittest.main()
