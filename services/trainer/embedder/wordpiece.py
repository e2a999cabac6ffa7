"""The BERT WordPiece tokenizer stored in a GGUF file, and its reduced copy.

GGUF writes a piece that starts a word as `▁piece` and a piece that continues one without a mark;
BERT's own files write the latter as `##piece`. The Python `tokenizers` library wants BERT's form.
"""

from __future__ import annotations

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

WORD_START = "▁"
NORMAL, UNKNOWN, CONTROL, UNUSED = 1, 2, 3, 5

# Signs outside ASCII that shop texts use. Letters of other scripts are left out: the teacher is English only.
SIGNS_KEPT = set("£€¥©®°²³¹½¼¾×÷±µ–—‘’“”•…™→")


def to_bert(token: str, kind: int) -> str:
    """Turns a GGUF token into BERT's spelling."""
    if kind != NORMAL:
        return token
    return token[1:] if token.startswith(WORD_START) else "##" + token


def build(tokens: list[str], kinds: list[int], max_tokens: int) -> Tokenizer:
    """Builds the tokenizer; texts are cut at `max_tokens` pieces, [CLS] and [SEP] included."""
    vocabulary = {to_bert(token, kind): row for row, (token, kind) in enumerate(zip(tokens, kinds))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    tokenizer.enable_truncation(max_length=max_tokens)
    return tokenizer


def rows_kept(tokens: list[str], kinds: list[int]) -> list[int]:
    """Lists the rows of the vocabulary that the student keeps: Latin text, digits and shop signs."""
    return [row for row, (token, kind) in enumerate(zip(tokens, kinds)) if _is_kept(token, kind)]


def plain_words(tokens: list[str]) -> list[str]:
    """Lists the vocabulary's lower-case ASCII words, frequent ones first."""
    words = (token.removeprefix(WORD_START) for token in tokens if token.startswith(WORD_START))
    return [word for word in words if word.isascii() and word.isalpha() and word.islower()]


def _is_kept(token: str, kind: int) -> bool:
    if kind == UNUSED:
        return False
    if kind != NORMAL:
        return True
    return all(char.isascii() or char in SIGNS_KEPT for char in token.removeprefix(WORD_START))
