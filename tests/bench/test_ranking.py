"""The comparison of orders, on a small world: which questions it asks, of which photos, and what it keeps."""

from pathlib import Path

import numpy as np
import pytest

from bench import gallery, ranking
from tests.kit.shapes import THINGS


def table(told: str) -> dict[tuple[str, str], list[str]]:
    """The cells of all tables by gallery and order: queries, photos, figures."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in told.splitlines()]
    return {(row[0], row[3]): [*row[1:3], *row[4:]] for row in rows if len(row) > 4}


def test_each_question_of_each_gallery_in_each_order(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    splits, cache = tmp_path / "splits.json", tmp_path / "kept.npz"
    options += ["--splits", str(splits), "--set", "a", "--seen", "--cache", str(cache)]
    options += ["--demo", str(tmp_path / "demo"), "--demo-set", "a", "--scenes", str(tmp_path / "scenes")]
    ranking.main(options)
    told = capsys.readouterr().out
    rows = table(told)
    others = 8 * (len(THINGS) - 2)
    expected = {
        "small": ["4", "8"],
        "large": ["4", str(8 + others)],
        "rare": ["4", str(6 + others)],
        "scenes": ["4", str(8 + others)],
        "words small": ["2", "8"],
        "words large": ["2", str(8 + others)],
        "seen": [str(2 * (len(THINGS) - 2)), str(8 + others)],
    }
    for name, counts in expected.items():
        for order in ("plain", "collection", "gain"):
            assert rows[name, order][:2] == counts
            assert len(rows[name, order]) == 2 + len(ranking.FIGURES)
    assert all("[" in cell for cell in rows["large", "plain"][2:])
    for order in ("plain", "collection", "gain"):
        assert rows["sparse", order][:2] == [str(2 * len(THINGS)), str(len(THINGS))]
    assert len(list((tmp_path / "scenes").glob("*.jpg"))) == 8
    # What was encoded once is not read again.
    for path in (tmp_path / "world").glob("*/*/*"):
        path.write_bytes(b"no picture")
    ranking.main(options)
    assert table(capsys.readouterr().out) == rows


def test_embeddings_of_another_model_are_refused(options: list[str], tmp_path: Path) -> None:
    np.savez(
        tmp_path / "kept.npz", names=np.array(["a"]), vectors=np.zeros((1, 2)), fingerprint=np.array("b")
    )
    with pytest.raises(SystemExit, match="embeddings of another model than lite"):
        ranking.main(
            [
                *options,
                "--splits",
                str(tmp_path / "splits.json"),
                "--set",
                "a",
                "--cache",
                str(tmp_path / "kept.npz"),
            ]
        )


def test_the_demo_gallery_in_each_order(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = str(tmp_path / "demo")
    monkeypatch.setattr("sys.argv", ["gallery", *options, "--photos", demo, "--set", "a"])
    gallery.main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{len(THINGS)} photos, {2 * len(THINGS)} drawings of {len(THINGS)} labels")
    # There are fewer than ten photos, so one of the first ten is right.
    assert [line.split(", first")[0] for line in lines[1:4]] == [
        f"{name}: a match among the first 10 1.000" for name in ("plain", "collection", "unstripped")
    ]
