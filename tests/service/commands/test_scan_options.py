"""Which files a run looks at, as said on the real command line, in job files, and remembered from run to run."""

from pathlib import Path

import pytest

from indexer.generations.generation import current
from indexer.generations.photos import Filter, Photos
from tests.kit.service.commands import refused, sketchseek
from tests.kit.shapes import picture


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Photos at all the places that options speak of."""
    root = tmp_path / "photos"
    names = ("top.jpg", "a/one.jpg", "a/draft.jpg", "a/.hidden.jpg", ".trash/gone.jpg", "b/two.png")
    for number, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        picture("fish", number).save(root / name)
    picture("mug", 1).save(root / "b" / "target.png")
    (root / "a" / "link.png").symlink_to("../b/target.png")
    return root


def looked_at(index: Path, *arguments: object) -> set[str]:
    done = sketchseek("index", *arguments, "--index", index, "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    photos = Photos(current(index) / "photos.sqlite")
    found = {photo.relative for photo in photos.get(photos.matching(Filter()).tolist()).values()}
    photos.close()
    return found


PLAIN = {"top.jpg", "a/one.jpg", "a/draft.jpg", "b/two.png", "b/target.png"}


def test_options_hold_until_they_are_given_anew(tree: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert looked_at(index, tree, "--exclude", "draft*", "--exclude", "top.jpg") == PLAIN - {
        "a/draft.jpg",
        "top.jpg",
    }
    assert looked_at(index) == PLAIN - {"a/draft.jpg", "top.jpg"}
    assert looked_at(index, "--include", "*.png") == {"b/two.png", "b/target.png"}
    assert looked_at(index, "--include", "", "--exclude", "") == PLAIN
    assert looked_at(index, "--hidden") == PLAIN | {"a/.hidden.jpg", ".trash/gone.jpg"}
    assert looked_at(index, "--exclude", ".trash/") == PLAIN | {"a/.hidden.jpg"}
    assert looked_at(index, "--no-hidden") == PLAIN


def test_links_are_followed_on_request(tree: Path, tmp_path: Path) -> None:
    """What they lead to has one name, its own; leading out of the folders given is not followed."""
    index, outside = tmp_path / "index", tmp_path / "outside"
    outside.mkdir()
    picture("star", 1).save(outside / "star.png")
    (tree / "out.png").symlink_to(outside / "star.png")
    done = sketchseek("index", tree, "--index", index)
    assert "link.png: a symbolic link; index what it leads to instead, or give --follow-links" in done.stderr
    done = sketchseek("index", "--index", index, "--follow-links", "--exclude", "b/two.png")
    assert "out.png: a symbolic link that leads out of the photo folders" in done.stderr
    assert looked_at(index) == PLAIN - {"b/two.png"}
    # With that folder given as well, its own scan finds it.
    assert looked_at(index, tree, outside) == PLAIN - {"b/two.png"} | {"star.png"}
    done = sketchseek("index", "--index", index, "--no-follow-links")
    assert "link.png: a symbolic link; index what it leads to" in done.stderr


def test_a_job_file_says_the_same(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(
        'photos = ["photos"]\nindex = "index"\nhidden = true\n'
        'exclude = [".trash/", "b/"]\ninclude = ["*.jpg"]\n'
    )
    assert sketchseek("index", "--config", tmp_path / "job.toml").returncode == 0
    assert looked_at(tmp_path / "index") == {"top.jpg", "a/one.jpg", "a/draft.jpg", "a/.hidden.jpg"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--partition", "4/3"), "'4/3': not a part of a library; for the first of three parts, use 1/3"),
        (("--include", "*.gif"), "no photos in it; give the folder that the photos are in"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tree: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    refused(sketchseek("index", tree, "--index", tmp_path / "index", *options), said)
