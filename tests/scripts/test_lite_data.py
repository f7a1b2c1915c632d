"""Packages become pictures, and pictures rows beside those of a manifest; nothing is fetched twice."""

import csv
import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from scripts import emoji_data, icon_data, lite_data
from scripts.lite_data import EMOJI, ICONS, fetched

MANIFEST = (
    "set,modality,class,label,path,width,height,pair_id,note\nzoo,photo,Cats,cat,zoo/1.jpg,9,9,,blurred\n"
)


@pytest.fixture
def npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An npm that packs what lies in a folder, and lists what it was asked for."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        content = json.dumps({"name": "toys", "license": "MIT"}).encode()
        entry = tarfile.TarInfo("package/package.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    (tmp_path / "bin").mkdir()
    (tmp_path / "toys.tgz").write_bytes(packed.getvalue())
    script = tmp_path / "bin" / "npm"
    script.write_text(
        f'#!/bin/sh\necho "$3" >> {tmp_path}/asked\n'
        f'[ "$3" = gone ] && echo "404 Not Found" >&2 && exit 1\ncp {tmp_path}/toys.tgz . && echo toys.tgz\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "asked"


def test_a_package_is_fetched_once(npm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / "packages"
    for _ in range(2):
        folder = fetched("@games/toys", packages)
        assert folder == packages / "toys"
        assert json.loads((folder / "package.json").read_text())["license"] == "MIT"
    assert npm.read_text() == "@games/toys\n"
    assert [path.name for path in packages.iterdir()] == ["toys"]
    with pytest.raises(SystemExit, match="gone: 404 Not Found"):
        fetched("gone", packages)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match=r"npm, which is not here: install Node\.js"):
        fetched("@games/more", packages)


def test_all_pictures_and_licences_come_into_one_manifest(
    npm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, wanted = tmp_path / "images", set()
    images.mkdir()
    (images / "own.csv").write_text(MANIFEST)
    (images / "terms.csv").write_text("set,source,licence\nzoo,here,CC0 1.0\n")

    def row(name: str, modality: str, label: str) -> dict[str, str]:
        return {
            "set": name,
            "modality": modality,
            "label": label,
            "path": f"{name}/{label}.png",
            "hand": "left",
        }

    def emoji(_: Path, openmoji: Path, others: list[Path]) -> tuple[list[dict[str, str]], dict[str, str]]:
        assert [openmoji.name, *(other.name for other in others)] == [name.split("/")[-1] for name in EMOJI]
        return [row("emoji-a", "photo", "kiwi"), row("emoji-a", "sketch", "kiwi")], {"emoji-a": "MIT"}

    def icons(_: Path, labels: set[str], folders: list[Path]) -> tuple[list[dict[str, str]], dict[str, str]]:
        wanted.update(labels)
        assert len(folders) == len(ICONS)
        return [row("icons-b", "sketch", "cat")], {"icons-b": "ISC"}

    monkeypatch.setattr(emoji_data, "made", emoji)
    monkeypatch.setattr(icon_data, "made", icons)
    monkeypatch.setattr(
        "sys.argv", ["lite_data", *map(str, (images / "own.csv", images, images / "terms.csv"))]
    )
    lite_data.main()
    assert wanted == {"cat", "kiwi"}, "icons are drawings of what there are photos of"
    with (images / "lite.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    assert [(each["set"], each["label"], each["note"], each["hand"]) for each in rows] == [
        ("zoo", "cat", "blurred", ""),
        ("emoji-a", "kiwi", "", "left"),
        ("emoji-a", "kiwi", "", "left"),
        ("icons-b", "cat", "", "left"),
    ]
    with (images / "lite-licences.csv").open(newline="") as opened:
        assert list(csv.reader(opened))[1:] == [["emoji-a", "MIT"], ["icons-b", "ISC"], ["zoo", "CC0 1.0"]]
