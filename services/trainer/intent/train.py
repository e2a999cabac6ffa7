"""Trains the intent classifier: a small network over the embedder's vectors.

    python -m intent.train --corpus corpus --embedder mercer-embed-v2.gguf --out mercer-intents-v3.safetensors

In: `train-intents.jsonl` and `heldout-intents.jsonl`, as `mercer-lab models corpus` writes them: a line holds the
customer's words, the features that words do not tell, and the intent. Some turns come twice, the second time behind a
remark as people make it ("Lovely. And is it heavy?"). Out: a safetensors file with the matrices `w1` (hidden x inputs),
`b1`, `w2`, `b2` of F32, and in its metadata the embedder's id, the factor that vectors are multiplied by, and the names
of the classes. Several networks are trained and written as one wide one, whose outputs are the mean of theirs. Prints
the share of held-out turns whose likeliest intent is right; they use words and products that no training turn uses,
though the same phrases.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from embedder.batches import embed
from embedder.evaluate import load
from embedder.gguf_io import read_metadata

# The core reads the same file in a test.
AGREED = json.loads((Path(__file__).resolve().parents[3] / "schemas" / "intents.json").read_text(encoding="utf-8"))
INTENTS, FEATURES = AGREED["intents"], AGREED["features"]
# Brings the vectors' numbers, about 0.05 each, near the size of the features.
SCALE = 6.0
HIDDEN = 128
NETWORKS = 4
# To take a question for talk, or one wish for two, harms more than the other way round.
WEIGHTS = {"talk": 0.6, "search_and_policies": 0.5}
# Longest remark that is put before a question, in words, and the share of the turns that get one.
REMARK_WORDS_MAX = 8
REMARKED_SHARE = 0.2
# Places of the features that follow from the words alone: how many there are (as the core scales it), `@`, digits, an
# amount, a question mark.
LENGTH = FEATURES.index("length")
OF_WORDS = [FEATURES.index(name) for name in ("at", "digits", "amount", "question")]
WORDS_USUAL, LENGTH_MAX = AGREED["words_usual"], AGREED["length_max"]
BATCH = 256
# As long as the vector itself is 1: keeps the network from learning single sentences by heart.
NOISE = 0.5


def read(path: Path, limit: int | None) -> list[dict]:
    """Reads lines, in an order of their own; the same sentence counts once."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    random.Random(1).shuffle(lines)
    seen: set[tuple] = set()
    kept = []
    for line in lines:
        key = (line["words"].lower(), *line["features"][:LENGTH])
        if key not in seen:
            seen.add(key)
            kept.append(line)
    return kept[:limit]


def remarked(lines: list[dict], draw: random.Random) -> list[dict]:
    """Puts remarks before a share of the turns that want something."""
    remarks = [line for line in lines if line["intent"] == "talk" and "?" not in line["words"] and len(line["words"].split()) <= REMARK_WORDS_MAX]
    wishes = [line for line in lines if line["intent"] != "talk"]
    out = []
    for _ in range(round(REMARKED_SHARE * len(lines)) if remarks and wishes else 0):
        remark, wish = draw.choice(remarks), draw.choice(wishes)
        words = remark["words"].rstrip(" .!,") + draw.choice([". ", "! ", ", ", ". ", "\n"]) + wish["words"]
        features = list(wish["features"])
        features[LENGTH] = min(len(words.split()) / WORDS_USUAL, LENGTH_MAX)
        for place in OF_WORDS:
            features[place] = max(features[place], remark["features"][place])
        out.append({"words": words, "features": features, "intent": wish["intent"]})
    return out


def embedder_id(path: Path) -> str:
    """Returns the id that Mercer gives the embedder: its name and the start of its file's SHA-256."""
    name = read_metadata(path).get("general.name") or path.stem
    return f"{name}@{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}"


def vectors(lines: list[dict], encoder, tokenizer, title: str) -> Tensor:
    """Embeds the words, telling how far it is."""
    parts = []
    for start in range(0, len(lines), 2000):
        parts.append(embed(encoder, tokenizer, [line["words"] for line in lines[start : start + 2000]]))
        print(f"\r{title}: {min(start + 2000, len(lines))} of {len(lines)} sentences embedded", end="", flush=True)
    print()
    return torch.cat(parts)


def train(words: Tensor, features: Tensor, wanted: Tensor, epochs: int, seed: int) -> nn.Sequential:
    """Trains one network."""
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Linear(words.shape[1] + features.shape[1], HIDDEN), nn.ReLU(), nn.Dropout(0.3), nn.Linear(HIDDEN, len(INTENTS))
    )
    weights = torch.tensor([WEIGHTS.get(intent, 1.0) for intent in INTENTS])
    rate = 2e-3
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.1)
    for epoch in range(epochs):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - epoch / epochs)
        for rows in torch.randperm(len(words)).split(BATCH):
            noise = NOISE * torch.randn(len(rows), words.shape[1]) / words.shape[1] ** 0.5
            noisy = functional.normalize(words[rows] + noise, dim=1)
            logits = network(torch.cat((noisy * SCALE, features[rows]), dim=1))
            loss = functional.cross_entropy(logits, wanted[rows], label_smoothing=0.1, weight=weights)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return network.eval()


def joined(networks: list[nn.Sequential]) -> dict[str, Tensor]:
    """Writes networks side by side as one, whose outputs are the mean of theirs."""
    def of(layer: int, kind: str) -> list[Tensor]:
        return [network[layer].get_parameter(kind).detach() for network in networks]

    return {
        "w1": torch.cat(of(0, "weight")).contiguous(),
        "b1": torch.cat(of(0, "bias")).contiguous(),
        "w2": (torch.cat(of(3, "weight"), dim=1) / len(networks)).contiguous(),
        "b2": torch.stack(of(3, "bias")).mean(0).contiguous(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True, help="folder with the two files")
    parser.add_argument("--embedder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=60_000, help="turns to learn from at most")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    encoder, tokenizer, _ = load(arguments.embedder)
    sets = {}
    for name, limit in (("train", arguments.limit), ("heldout", 3_000)):
        lines = read(arguments.corpus / f"{name}-intents.jsonl", limit)
        if name == "train":
            lines += remarked(lines, random.Random(5))
        sets[name] = (
            vectors(lines, encoder, tokenizer, name),
            torch.tensor([line["features"] for line in lines]),
            torch.tensor([INTENTS.index(line["intent"]) for line in lines]),
        )
    weights = joined([train(*sets["train"], arguments.epochs, seed) for seed in range(1, NETWORKS + 1)])
    for name, (vector, feature, right) in sets.items():
        hidden = functional.relu(functional.linear(torch.cat((vector * SCALE, feature), dim=1), weights["w1"], weights["b1"]))
        found = functional.linear(hidden, weights["w2"], weights["b2"]).argmax(1)
        print(f"{name}: {(found == right).float().mean():.3f} of {len(right)} turns right")
    metadata = {"embedder": embedder_id(arguments.embedder), "scale": str(SCALE), "intents": ",".join(INTENTS)}
    save_file(weights, arguments.out, metadata)


if __name__ == "__main__":
    main()
