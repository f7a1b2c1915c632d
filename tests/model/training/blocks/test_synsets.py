"""Labels to ImageNet's classes, by a WordNet small enough to count steps in."""

from pathlib import Path

import pytest
import torch

from model.data.datasets import PHOTO, SKETCH, Record
from model.training import imagenet
from model.training.blocks.synsets import SENSES, label_synsets, nearness
from model.words import wordnet
from tests.kit.wordnet import tiny_wordnet

TABBY, CAT, DOG, CHIHUAHUA, BASEBALL = "n02123045", "n02121620", "n02084071", "n02085620", "n02799071"


@pytest.fixture
def nouns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> wordnet.WordNet:
    monkeypatch.setenv("WNSEARCHDIR", str(tiny_wordnet(tmp_path)))
    return wordnet.read()


def record(label: str, path: str = "photo.jpg", pair: str | None = None) -> Record:
    return Record(Path(path), PHOTO if path.endswith("jpg") else SKETCH, label, pair)


def row_of(synset: str) -> int:
    return imagenet.synsets().index(synset)


def test_pairs_folders_and_files_may_name_synsets(nouns: wordnet.WordNet) -> None:
    records = [
        record("pet", pair=f"{TABBY}_10151"),
        record("pet", f"set/{DOG}_dog/1.jpg"),
        record("toy", f"set/toy/{BASEBALL}_77-1.png"),
        record("ball", "n02123045/set/ball/1.jpg"),
        record("cat", "set/cat/n99999999_1.jpg"),
        record("dog", f"set/dog/pan{CAT}_1.jpg"),
    ]
    found = label_synsets(records, ("ball", "cat", "dog", "pet", "toy"), nouns)
    assert found["pet"] == (DOG, TABBY), "the union of a label's"
    assert found["toy"] == (BASEBALL,)
    assert found["ball"] == ("n02778669",), "folders further up are the user's"
    assert found["cat"] == (CAT,), "what WordNet does not have is not there"
    assert found["dog"] == (DOG,)


def test_words_are_looked_up(nouns: wordnet.WordNet) -> None:
    labels = ("tabby-cat", "beast", "zigzag", "true cat", "baseball", "dolphin")
    found = label_synsets([], labels, nouns)
    assert found["tabby-cat"] == (TABBY,)
    assert found["true cat"] == (CAT,)
    assert found["beast"] == ("n09845589",), "the usual sense"
    assert found["baseball"] == (BASEBALL,)
    assert found["zigzag"] == ()
    assert found["dolphin"] == (SENSES["dolphin"],), "the whale, which no usual sense is"


def test_an_imagenet_class_of_that_name_is_meant_before_the_usual_sense(nouns: wordnet.WordNet) -> None:
    twofold = wordnet.WordNet(nouns.above, nouns.synsets | {"tabby": (DOG, TABBY)})
    assert label_synsets([], ("tabby",), twofold)["tabby"] == (TABBY,)


def test_kinds_are_near_and_the_rest_by_its_path(nouns: wordnet.WordNet) -> None:
    cat, both, nothing = nearness([[CAT], [TABBY, BASEBALL], []], nouns)
    assert cat[row_of(TABBY)] == 1, "a kind of it"
    assert cat[row_of(CHIHUAHUA)] == pytest.approx(1 / 4)
    assert cat[row_of(BASEBALL)] == 0, "1 / 6 is too far"
    assert both[row_of(TABBY)] == both[row_of(BASEBALL)] == 1
    assert both[row_of(CHIHUAHUA)] == 0, "1 / 5 is not more than .2"
    assert not nothing.any()
    above = nearness([["n00001740"]], nouns)[0]
    assert above[[row_of(TABBY), row_of(BASEBALL)]].tolist() == [1, 1], "however far below"


def test_it_is_what_pairwise_comparison_says(nouns: wordnet.WordNet) -> None:
    synsets = [[synset] for synset in nouns.above]
    found = nearness(synsets, nouns)
    wanted = torch.zeros(len(synsets), 1000)
    for row, (synset,) in enumerate(synsets):
        for column, other in enumerate(imagenet.synsets()):
            near = nouns.similarity(synset, other)
            wanted[row, column] = 1 if nouns.related(synset, other) else near if near > 0.2 else 0
    assert torch.allclose(found, wanted)


def test_a_class_however_far_above_a_label_is_near(nouns: wordnet.WordNet) -> None:
    chain = {f"n0000000{n}": (f"n0000000{n - 1}" if n > 1 else TABBY,) for n in range(1, 9)}
    deeper = wordnet.WordNet(nouns.above | chain, {})
    assert nearness([["n00000008"]], deeper)[0][row_of(TABBY)] == 1
