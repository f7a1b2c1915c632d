"""The word list's file says which tokenizer reads it."""

import shutil
from pathlib import Path

import pytest

from model.card import SHIPPED
from model.words.bytepairs import BytePairs
from model.words.tokenizers import open_tokenizer
from model.words.wordpiece import WordPiece

open_clip = pytest.importorskip("open_clip", reason="CLIP's byte pairs come with open_clip")


def test_plain_lines_are_word_pieces() -> None:
    found = open_tokenizer(SHIPPED / "lite" / "vocab.txt")
    assert isinstance(found, WordPiece)
    assert found(["x " * 200]).ids.shape == (1, 64)
    assert open_tokenizer(SHIPPED / "lite" / "vocab.txt", 16)(["x " * 200]).ids.shape == (1, 16)


@pytest.mark.parametrize(("longest", "width"), [(None, 77), (32, 32)])
def test_packed_merges_are_byte_pairs(tmp_path: Path, longest: int | None, width: int) -> None:
    path = tmp_path / "bytepairs.txt.gz"
    shutil.copyfile(open_clip.tokenizer.default_bpe(), path)
    found = open_tokenizer(path, longest)
    assert isinstance(found, BytePairs)
    assert found(["a cat"]).ids.shape == (1, width)
