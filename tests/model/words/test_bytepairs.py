"""CLIP's byte pairs, beside open_clip's own tokenizer."""

import random
import string

import numpy as np
import open_clip
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.backbones.open_clip import BYTE_PAIRS
from model.words.bytepairs import LONGEST_WORD, BytePairs

OURS = BytePairs.from_file(BYTE_PAIRS)
THEIRS = open_clip.get_tokenizer("ViT-B-32")


@pytest.mark.parametrize(
    "text",
    [
        "a photo of a cat.",
        "It's 1984, they'll say DON'T; x'S",
        "naïve café, 日本語 текст, İstanbul straße",
        "&amp;lt; and <end_of_text> said aloud",
        "emoji 😀😀 and ½ ² ①",
        "a_b-c/d\tnew\nline",
        "the dog\u2019s \u201cball\u201d",
        "zero\u200bwidth and \x00 nothing",
        "",
        "   ",
        "word " * 100,
    ],
)
def test_texts_become_the_same_tokens(text: str) -> None:
    assert np.array_equal(OURS([text]).ids, THEIRS([text]).numpy())


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=string.printable + "éüßñ日ж😀", max_size=60))
def test_whatever_is_typed_becomes_the_same_tokens(text: str) -> None:
    # An ampersand may begin an entity that open_clip's helper for broken encodings reads in ways of its own.
    plain = text.replace("&", "+")
    assert np.array_equal(OURS([plain]).ids, THEIRS([plain]).numpy())


def test_rows_are_as_long_as_the_tower_wants_and_always_end() -> None:
    ids = BytePairs.from_file(BYTE_PAIRS, longest=8)(["cat", "word " * 20]).ids
    assert ids.shape == (2, 8)
    assert ids[1, -1] == ids.max() == ids[0].max()


def test_of_an_endless_word_the_beginning_is_merged() -> None:
    """Merging takes the square of a word's length."""
    dice = random.Random(0)
    endless = "".join(dice.choices(string.ascii_lowercase, k=4000))
    assert np.array_equal(OURS([endless]).ids, THEIRS([endless[:1000]]).numpy())
    assert len(OURS._merged("a" * 4000)) <= LONGEST_WORD


def test_what_is_no_character_is_read_as_a_question_mark() -> None:
    """The command line makes such of bytes that are no UTF-8."""
    assert np.array_equal(OURS(["\udcff"]).ids, OURS(["?"]).ids)
