"""MiniLM's tokenizer: BERT's uncased WordPiece, without a library.

The usual libraries depend on a model hub's client; this file is tested against one of them.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from model.words.tokens import LONGEST_TEXT, WIDTHS, Tokens

LONGEST_WORD = 100
_CJK = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPiece:
    """Splits text as the model was trained on it."""

    def __init__(self, vocabulary: Sequence[str], longest: int = 64) -> None:
        self._id_of = {piece: number for number, piece in enumerate(vocabulary)}
        self._longest = longest
        self._start, self._end, self._unknown = (self._id_of[t] for t in ("[CLS]", "[SEP]", "[UNK]"))

    @classmethod
    def from_file(cls, path: Path, longest: int = 64) -> "WordPiece":
        return cls(path.read_text(encoding="utf-8").split("\n"), longest)

    def __call__(self, texts: Sequence[str]) -> Tokens:
        rows = [self._row(text) for text in texts]
        width = _width(max(map(len, rows), default=0))
        ids = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = row
            mask[number, : len(row)] = 1
        return Tokens(ids, mask)

    def _row(self, text: str) -> list[int]:
        pieces = (piece for word in _words(text[:LONGEST_TEXT]) for piece in self._pieces(word))
        return [self._start, *islice(pieces, self._longest - 2), self._end]

    def _pieces(self, word: str) -> list[int]:
        """Match the longest known beginning, then the longest known continuation, and so on; all or [UNK]."""
        if len(word) > LONGEST_WORD:
            return [self._unknown]
        found: list[int] = []
        begin = 0
        while begin < len(word):
            prefix = "##" if begin else ""
            for end in range(len(word), begin, -1):
                number = self._id_of.get(prefix + word[begin:end])
                if number is not None:
                    break
            else:
                return [self._unknown]
            found.append(number)
            begin = end
        return found


def _width(longest: int) -> int:
    """The smallest of WIDTHS that fits all rows; for longer rows, or without any, their own width."""
    return next((width for width in WIDTHS if width >= longest), longest) if longest else 0


def _words(text: str) -> Iterator[str]:
    """Split into lower-case words without accents; punctuation and Chinese characters are words by themselves."""
    word = ""
    for char in _fold(text):
        alone = _is_punctuation(char) or _is_cjk(char)
        if alone or char.isspace():
            if word:
                yield word
            word = ""
            if alone:
                yield char
        else:
            word += char
    if word:
        yield word


def _fold(text: str) -> Iterator[str]:
    # Spaces before lower-casing, accents after it: the same order as the original.
    kept = (" " if char in "\t\n\r" else char for char in text if char in "\t\n\r" or not _is_control(char))
    # Character by character, as the original does: a whole string would turn a final capital sigma into another letter.
    for char in unicodedata.normalize("NFD", "".join(char.lower() for char in kept)):
        if unicodedata.category(char) != "Mn":
            yield char


def _is_control(char: str) -> bool:
    return char in "\x00\ufffd" or unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"}


def _is_punctuation(char: str) -> bool:
    ascii_sign = "!" <= char <= "/" or ":" <= char <= "@" or "[" <= char <= "`" or "{" <= char <= "~"
    return ascii_sign or unicodedata.category(char).startswith("P")


def _is_cjk(char: str) -> bool:
    return any(low <= ord(char) <= high for low, high in _CJK)
