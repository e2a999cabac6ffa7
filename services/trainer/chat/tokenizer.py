"""Trains the byte-level BPE tokenizer of the chat model.

    python -m chat.tokenizer --corpus train.jsonl --out RUN_DIR

Text is split as llama.cpp's pre-tokenizer `smollm` does: each digit alone, then the GPT-2 pattern. The merges are
learned in two steps. First inside words, without the space before them; then a space joins the most frequent first
pieces. So a word breaks into the same pieces after a space and after a quotation mark, which makes copying a
customer's words into a tool call a matter of repeating pieces.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split
from tokenizers.trainers import BpeTrainer

from .dialogue import END, SPECIALS, read

VOCABULARY = 4096
INNER_SHARE = 0.6  # of the learned tokens, those without a space in front
SPACE = "Ġ"  # how byte-level BPE writes a space
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def assemble(vocabulary: dict[str, int], merges: list[tuple[str, str]]) -> Tokenizer:
    """Builds the tokenizer as the engine will read it from the GGUF file."""
    tokenizer = Tokenizer(BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = Sequence([Digits(individual_digits=True), Split(Regex(GPT2_PATTERN), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = ByteLevelDecoder()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIALS])
    return tokenizer


def train(texts: list[str], size: int = VOCABULARY, inner_share: float = INNER_SHARE) -> Tokenizer:
    """Learns merges from texts and returns a tokenizer of exactly `size` tokens."""
    alphabet = sorted(ByteLevel.alphabet())
    learned = size - len(SPECIALS) - len(alphabet)
    inner_size = len(SPECIALS) + len(alphabet) + int(learned * inner_share)
    inner = Tokenizer(BPE())
    inner.pre_tokenizer = Sequence([Digits(individual_digits=True), Split(" ", "isolated"), Split(Regex(GPT2_PATTERN), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)])
    inner.train_from_iterator(texts, BpeTrainer(vocab_size=inner_size, initial_alphabet=alphabet, show_progress=False))
    state = json.loads(inner.to_str())["model"]
    merges = [tuple(merge) for merge in state["merges"]]
    pieces = sorted(state["vocab"], key=state["vocab"].get)

    first_pieces = Counter()
    for chunk, count in Counter(re.findall(r" [^\s]+", "\n".join(texts))).items():
        first_pieces[inner.encode(chunk[1:]).tokens[0]] += count
    room = size - len(SPECIALS) - len(pieces)
    spaced = [piece for piece, _ in first_pieces.most_common() if SPACE not in piece and not piece.isdigit()][:room]
    merges += [(SPACE, piece) for piece in spaced]
    pieces += [SPACE + piece for piece in spaced]
    if len(pieces) + len(SPECIALS) < size:
        raise SystemExit(f"the corpus is too small for {size} tokens: {len(pieces) + len(SPECIALS)} found")
    vocabulary = {token: row for row, token in enumerate([*SPECIALS, *pieces])}
    return assemble(vocabulary, merges)


def load(path: Path) -> Tokenizer:
    """Loads a trained tokenizer from its JSON file."""
    return Tokenizer.from_file(str(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--dialogues", type=int, default=20_000, help="how many dialogues to learn merges from")
    parser.add_argument("--size", type=int, default=VOCABULARY)
    args = parser.parse_args()
    texts = [message["content"] for dialogue in read(args.corpus, args.dialogues) for message in dialogue]
    tokenizer = train(texts, args.size)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.out / "tokenizer.json"))
    sample = texts[: 20_000]
    tokens = sum(len(encoding.ids) for encoding in tokenizer.encode_batch(sample))
    print(f"{tokenizer.get_vocab_size()} tokens, end is {tokenizer.token_to_id(END)}, {sum(map(len, sample)) / tokens:.2f} characters a token")


if __name__ == "__main__":
    main()
