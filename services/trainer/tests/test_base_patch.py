"""Patches: with the base they make the trained model again, to the byte."""

import contextlib
import io
import json
import shutil
import unittest

import numpy as np
import torch
from safetensors import safe_open

from base import export, patch
from base.methods import Method, prepare, trained
from base.read import read_base, sha256
from tests.tiny_base import Files


class PatchTest(Files):
    def setUp(self):
        super().setUp()
        # As the real base: matrices in Q4_1, the table of pieces in Q8_0.
        export.write_model(self.path, export.as_arrays(self.base.decoder), self.folder / "q4.gguf", "q4_1", "tiny")
        shutil.move(self.folder / "q4.gguf", self.path)
        base = read_base(self.path)
        method = Method("upper", layers=1)
        prepare(base.decoder, method)
        torch.manual_seed(5)
        changed = {name: weight.detach() + 0.01 * torch.randn_like(weight) for name, weight in trained(base.decoder).items()}
        self.saved = {"base": sha256(self.path), "method": method.to_dict(), "weights": changed, "step": 3, "tokens": 9}
        torch.save(self.saved, self.folder / "checkpoint.pt")
        self.patch, self.model = self.folder / "tiny.safetensors", self.folder / "made.gguf"
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            patch.main(["--base", str(self.path), "--run", str(self.folder), "--out", str(self.patch), "--model", str(self.model)])
        self.assertIn("after step 3", printed.getvalue())

    def test_a_patch_makes_the_model_to_the_byte(self):
        self.assertEqual(patch.apply(self.path, self.patch), self.model.read_bytes())
        with safe_open(self.patch, framework="numpy") as file:
            steps = json.loads(file.metadata()["steps"])
            self.assertEqual(file.metadata()["base_sha256"], self.saved["base"])
        kinds = {next(iter(step)) for step in steps}
        self.assertEqual(kinds, {"copy", "write", "convert"})
        self.assertEqual(sum("add" in step for step in steps), 7)

    def test_the_model_is_the_trained_one_but_for_rounding(self):
        wanted = export.as_arrays(export.trained_base(self.path, self.saved).decoder)
        made = export.as_arrays(read_base(self.model).decoder)
        before = export.as_arrays(read_base(self.path).decoder)
        for name, values in wanted.items():
            # Of a change, four bits lose a tenth; of the whole, eight bits lose a hundredth of the largest number.
            largest = np.abs(values).max()
            np.testing.assert_allclose(made[name], values, atol=0.1 * np.abs(values - before[name]).max() + 0.01 * largest, rtol=0)

    def test_another_base_is_refused(self):
        raw = bytearray(self.path.read_bytes())
        raw[-40] ^= 1
        self.path.write_bytes(raw)
        with self.assertRaisesRegex(SystemExit, "does not make the model"):
            patch.apply(self.path, self.patch)


if __name__ == "__main__":
    unittest.main()
