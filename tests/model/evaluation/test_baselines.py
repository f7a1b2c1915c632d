"""The stand-ins: made of the same embeddings, changed modality by modality, shown side by side."""

from pathlib import Path

import numpy as np
import pytest

from model import Encoder
from model.data.datasets import PHOTO, SKETCH, Dataset, Record, read_folder
from model.evaluation.baselines import compared, mean_stripped, stripped
from model.evaluation.embedding import Embedded, embed
from model.evaluation.tasks import evaluate
from model.modality import unit
from tests.kit.shapes import write_world

LABELS = ("cat", "dog", "owl")


@pytest.fixture
def shifted() -> Embedded:
    """Meanings at right angles; whatever is drawn lies far off in a direction that all drawings share."""
    records, vectors = [], []
    for axis, label in enumerate(LABELS):
        for modality, shift in ((SKETCH, np.array([3, 0, 0, 4])), (PHOTO, np.array([0, 0, 0, -2]))):
            records += [Record(Path(f"{label}-{modality}.png"), modality, label)]
            vectors += [np.eye(4)[axis] + shift]
    texts = {label: unit(np.eye(4, dtype=np.float32)[axis]) for axis, label in enumerate(LABELS)}
    return Embedded(Dataset("toys", tuple(records)), unit(np.array(vectors, dtype=np.float32)), texts)


def test_means_leave_what_differs_within_a_modality(shifted: Embedded) -> None:
    without = mean_stripped(shifted)
    kinds = np.array([record.modality for record in shifted.data.records])
    for kind in (SKETCH, PHOTO):
        part = shifted.vectors[kinds == kind]
        expected = part - part.mean(axis=0)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        assert np.allclose(without.vectors[kinds == kind], expected, atol=1e-6)
    assert np.allclose(sum(without.texts.values()), 0, atol=1e-6)
    assert without.data is shifted.data


def test_words_are_averaged_over_the_prompts_as_in_a_search(tmp_path: Path, encoder: Encoder) -> None:
    assert len(encoder.card.prompts) > 1
    data = read_folder(write_world(tmp_path / "world"))
    own, expected = stripped(embed(encoder.unstripped, data), encoder), embed(encoder, data)
    assert np.allclose(own.vectors, expected.vectors, atol=1e-5)
    assert own.texts.keys() == expected.texts.keys()
    for name, vector in expected.texts.items():
        assert np.allclose(own.texts[name], vector, atol=1e-5), name


def test_rows_of_each_stand_side_by_side(shifted: Embedded) -> None:
    own, raw = (evaluate(vectors, model="m") for vectors in (mean_stripped(shifted), shifted))
    report = compared({"stripped": own, "raw": raw})
    assert own.row("zero-shot").figures["mAP@all"] == 1
    assert raw.row("zero-shot").figures["mAP@all"] < 1
    assert [(row.task, row.vectors) for row in report.rows][:4] == [
        ("zero-shot", "stripped"),
        ("zero-shot", "raw"),
        ("text-to-photo", "stripped"),
        ("text-to-photo", "raw"),
    ]
    assert report.row("zero-shot", "raw").figures == raw.row("zero-shot").figures
    assert report.row("zero-shot").figures == own.row("zero-shot").figures
    assert report.by_label == own.by_label
    text = report.markdown()
    assert "| zero-shot | stripped | 3 | 3 | 1.000 |" in text
    for table in text.split("\n\n"):
        assert len({line.count("|") for line in table.splitlines() if line.startswith("|")}) <= 1
    assert "| vectors |" not in own.markdown()
