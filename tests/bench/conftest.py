"""A small world to rank in: pictures, a manifest, splits, and a folder named by its files."""

import json
from pathlib import Path

import pytest

from tests.kit.shapes import write_library, write_world

# The first two photos of a thing, and the two drawings of it.
PAIRED = {"0": "0", "300": "0", "1": "1", "400": "1"}


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    """One set has drawings and their own photos of all things, the other more photos; two things are unseen."""
    world = write_world(tmp_path / "world")
    write_library(world / "photos", 1, first=9)
    write_library(world / "more", 4, first=3)
    lines = ["set,modality,class,label,path,pair_id,note"]
    for folder, name, modality in (
        ("photos", "a", "photo"),
        ("sketches", "a", "sketch"),
        ("more", "b", "photo"),
    ):
        for path in sorted((world / folder).glob("*/*")):
            number = PAIRED.get(path.stem.split()[-1], "")
            pair = f"{path.parent.name} {number}" if name == "a" and number else ""
            lines.append(
                f"{name},{modality},,{path.parent.name},{path.relative_to(world).as_posix()},{pair},"
            )
    (tmp_path / "list.csv").write_text("\n".join(lines) + "\n")
    (tmp_path / "splits.json").write_text(json.dumps({"validation_unseen": ["fish", "star"]}))
    (tmp_path / "demo").mkdir()
    for path in (world / "more").glob("*/*3.jpg"):
        (tmp_path / "demo" / path.name).write_bytes(path.read_bytes())
    return [str(tmp_path / "list.csv"), "--root", str(world)]
