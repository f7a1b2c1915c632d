"""Choose the tokenizer for a model's word list."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from model.words.bytepairs import BytePairs
from model.words.tokens import Tokens
from model.words.wordpiece import WordPiece


class Tokenizer(Protocol):
    """Splits texts as a text tower was trained on them."""

    def __call__(self, texts: Sequence[str]) -> Tokens: ...


def open_tokenizer(path: Path, longest: int | None = None) -> Tokenizer:
    """Choose by the file: merges of byte pairs are compressed (.gz), a WordPiece vocabulary is plain lines.

    `longest`: how many tokens the text tower takes, if its card says so.
    """
    if path.suffix == ".gz":
        return BytePairs.from_file(path, longest or 77)
    return WordPiece.from_file(path, longest or 64)
