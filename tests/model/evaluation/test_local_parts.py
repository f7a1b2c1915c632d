"""Local parts kept for rankers: those of the right picture, whatever else was read, and orders that heed them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from model import Encoder
from model.data.datasets import PHOTO, SKETCH, Dataset, Record
from model.data.loading import load_image
from model.evaluation.baselines import stripped
from model.evaluation.distractors import embed_distractors
from model.evaluation.embedding import Embedded, embed
from model.evaluation.local_parts import KeptParts, numbered
from model.evaluation.ranking import Ranker, Shares, one_order
from model.evaluation.second_stage import ranker_of
from model.evaluation.tasks import Questions
from model.local.local import Local
from model.modality import Modality
from tests.kit.shapes import THINGS, drawing, picture


@pytest.fixture(scope="module")
def local(encoder: Encoder) -> Local:
    assert encoder.local is not None
    return encoder.local


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    """A drawing and four photos of each thing."""
    folder, found = tmp_path_factory.mktemp("pictures"), []
    for thing in THINGS:
        drawing(thing).save(folder / f"{thing}.png")
        found.append(Record(folder / f"{thing}.png", SKETCH, thing))
        for seed in range(4):
            picture(thing, seed, size=96).save(folder / f"{thing}{seed}.png")
            found.append(Record(folder / f"{thing}{seed}.png", PHOTO, thing))
    return found


@pytest.fixture(scope="module")
def found(
    encoder: Encoder, local: Local, records: list[Record], tmp_path_factory: pytest.TempPathFactory
) -> tuple[KeptParts, Embedded]:
    """What was kept of the data, and of photos of another thing beside it."""
    kept = KeptParts(encoder, local, tmp_path_factory.mktemp("kept"))
    data = Dataset("shapes", tuple(record for record in records if record.label != "mug"))
    others = [record for record in records if record.label == "mug" and record.modality == PHOTO]
    beside = embed_distractors(kept, others, 3)
    return kept, kept.taken(replace(embed(kept, data), distractors=beside))


def test_the_vectors_are_those_without_parts(encoder: Encoder, found: tuple[KeptParts, Embedded]) -> None:
    kept = found[1]
    alone = embed(encoder.unstripped, kept.data)
    assert np.allclose(kept.vectors, alone.vectors, atol=1e-6)
    assert {label: vector.tolist() for label, vector in kept.texts.items()} == {
        label: vector.tolist() for label, vector in alone.texts.items()
    }


def test_each_picture_has_its_own_parts(
    encoder: Encoder, local: Local, found: tuple[KeptParts, Embedded]
) -> None:
    kept, embedded = found
    _, records = numbered(embedded)
    assert len(records) == 4 * 5 + 3
    photos = np.flatnonzero([record.modality == PHOTO for record in records])
    rows, present = kept.rows(photos)
    assert present.all()
    for number, row in zip(photos, rows, strict=True):
        assert_near(row, local.pack(cells(encoder, records[number]))[0])
    for number in np.flatnonzero([record.modality == SKETCH for record in records]):
        pixels = encoder.prepare_sketch(load_image(records[number]))
        own = local.coarse_sketch(cells(encoder, records[number])[0], pixels)
        drawn = kept.drawing(int(number))
        assert drawn is not None
        assert np.allclose(drawn.tokens, own.tokens, atol=1e-4)
        assert np.allclose(drawn.weights, own.weights, atol=1e-5)
        assert (drawn.centres == own.centres).all()
        assert drawn.side == own.side


def cells(encoder: Encoder, record: Record) -> NDArray[np.float32]:
    image = load_image(record)
    photo = record.modality == PHOTO
    pixels = encoder.prepare_photo(image) if photo else encoder.prepare_sketch(image)
    found = encoder.encode([pixels], Modality.PHOTO if photo else Modality.SKETCH).cells
    assert found is not None
    return found


def assert_near(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> None:
    """The size of a batch changes the last bits of a number, and so here and there which level it has."""
    assert (one == other).mean() > 0.98


def test_a_picture_that_cannot_be_encoded_shifts_nothing(
    encoder: Encoder, local: Local, records: list[Record], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole batch is refused because of it, and then encoded one by one."""
    monkeypatch.setattr("model.evaluation.embedding.BATCH", 8)
    monkeypatch.setattr("model.evaluation.embedding.USABLE", 0.9)
    Image.new("RGB", (60, 60), "white").save(tmp_path / "blank.png")
    blank = Record(tmp_path / "blank.png", SKETCH, "star")
    drawings = [record for record in records if record.modality == SKETCH]
    data = Dataset("shapes", (*drawings[:2], blank, *drawings[2:], *drawings * 4))
    (tmp_path / "kept").mkdir()
    kept = KeptParts(encoder, local, tmp_path / "kept")
    embedded = kept.taken(embed(kept, data))
    assert len(embedded.data) == len(data) - 1
    for number in (1, 2, len(data) - 2):
        drawn, record = kept.drawing(number), embedded.data.records[number]
        pixels = encoder.prepare_sketch(load_image(record))
        assert drawn is not None
        own = local.coarse_sketch(cells(encoder, record)[0], pixels)
        assert np.allclose(drawn.tokens, own.tokens, atol=1e-4)


@pytest.mark.parametrize(("name", "rest"), [("all", "collection"), ("local", "plain")])
def test_drawings_are_ordered_by_parts_and_all_else_as_without(
    encoder: Encoder, found: tuple[KeptParts, Embedded], name: str, rest: str
) -> None:
    own = stripped(found[1], encoder)
    marked = numbered(own)[0]
    others = own.distractors
    assert others is not None
    assert marked.distractors is not None
    rankers = ranker_of(name, encoder, found[0]), ranker_of(rest, encoder)
    for ask, differs in (
        (Questions.zero_shot, True),
        (Questions.sketch_and_text, True),
        (Questions.text_to_photo, False),
        (Questions.photo_to_photo, False),
    ):
        with_parts = ask(Questions(marked, None, 0.3)).among(marked.distractors.vectors)
        without = ask(Questions(own, None, 0.3)).among(others.vectors)
        orders = [
            order(ranker, question.queries, question.gallery, question.made_of)
            for ranker, question in zip(rankers, (with_parts, without), strict=True)
        ]
        assert (orders[0] != orders[1]).any() == differs


def order(
    ranker: Ranker, queries: NDArray[np.floating], gallery: NDArray[np.floating], made_of: Shares
) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.argsort(
        -one_order(ranker(gallery, made_of)(queries)), axis=1, kind="stable"
    )
    return found


def test_without_kept_parts_the_order_is_that_of_an_index_without_them(
    encoder: Encoder, found: tuple[KeptParts, Embedded]
) -> None:
    question = Questions(stripped(found[1], encoder), None, 0.5).zero_shot()
    asked = (question.queries, question.gallery, question.made_of)
    for name, rest in (("all", "collection"), ("local", "plain")):
        orders = [order(ranker_of(each, encoder), *asked) for each in (name, rest)]
        assert (orders[0] == orders[1]).all()


def test_a_picture_without_finite_cells_has_no_parts(
    encoder: Encoder,
    local: Local,
    records: list[Record],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    embed_images = encoder.engine.embed_images

    def damaged(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        rows = embed_images(pixels).copy()
        rows[1:2, encoder.dimension + 5] = np.nan
        return rows

    monkeypatch.setattr(encoder.engine, "embed_images", damaged)
    kept = KeptParts(encoder, local, tmp_path)
    kept.taken(embed(kept, Dataset("stars", tuple(records[:5]))))
    assert kept.drawing(0) is not None
    assert kept.rows(np.arange(1, 5))[1].tolist() == [True, False, True, True]
