"""WordNet's nouns, read from its own kind of file."""

from pathlib import Path

import pytest

from model.errors import ModelError
from model.words import wordnet
from tests.kit.wordnet import tiny_wordnet

TABBY, CAT, DOG, CHIHUAHUA, BALL = "n02123045", "n02121620", "n02084071", "n02085620", "n02778669"


@pytest.fixture
def nouns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> wordnet.WordNet:
    monkeypatch.setenv("WNSEARCHDIR", str(tiny_wordnet(tmp_path)))
    assert not wordnet.missing()
    return wordnet.read()


def test_words_have_synsets(nouns: wordnet.WordNet) -> None:
    assert nouns.synsets["true cat"] == nouns.synsets["cat"] == (CAT,)
    assert nouns.synsets["chihuahua"] == (CHIHUAHUA,)


def test_the_usual_sense_of_a_word_comes_first(nouns: wordnet.WordNet) -> None:
    assert nouns.synsets["beast"] == ("n09845589", "n00015388")
    assert nouns.similarity("n09845589", "n00001740") == 1 / 2


def test_similarity_falls_with_the_steps_between(nouns: wordnet.WordNet) -> None:
    assert nouns.similarity(CAT, CAT) == 1
    assert nouns.similarity(TABBY, CAT) == nouns.similarity(CAT, TABBY) == 1 / 2
    assert nouns.similarity(CAT, DOG) == 1 / 3
    assert nouns.similarity(TABBY, CHIHUAHUA) == 1 / 5
    assert nouns.similarity(TABBY, BALL) == 1 / 6
    assert nouns.similarity(TABBY, "n00000000") == 0


def test_kinds_of_each_other_are_related(nouns: wordnet.WordNet) -> None:
    assert nouns.related(TABBY, CAT)
    assert nouns.related(CAT, TABBY)
    assert not nouns.related(CAT, DOG)


def test_without_it_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WNSEARCHDIR", str(tmp_path))
    with pytest.raises(ModelError, match="install wordnet-base") as caught:
        wordnet.read()
    assert str(tmp_path / "data.noun") in str(caught.value)


def test_both_of_its_files_are_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WNSEARCHDIR", str(tiny_wordnet(tmp_path)))
    (tmp_path / "index.noun").unlink()
    assert "index.noun" in wordnet.missing()
