"""Which tokenizer reads a model's word list: the one place that chooses."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from model.words.bytepairs import BytePairs
from model.words.tokens import Tokens
from model.words.wordpiece import WordPiece


class Tokenizer(Protocol):
    """Splits texts as a text tower was taught to read them."""

    def __call__(self, texts: Sequence[str]) -> Tokens: ...


def open_tokenizer(path: Path, longest: int | None = None) -> Tokenizer:
    """By the file: merges of byte pairs come packed (.gz), a WordPiece vocabulary as plain lines.

    `longest`: how many tokens the text tower takes, where its card says so.
    """
    if path.suffix == ".gz":
        return BytePairs.from_file(path, longest or 77)
    return WordPiece.from_file(path, longest or 64)
