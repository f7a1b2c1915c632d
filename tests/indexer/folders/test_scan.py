"""What a scan finds, skips, and lists."""

import os
import socket
from pathlib import Path

import pytest

from indexer import NothingToIndex, RulesChange
from indexer.folders.scan import ScanRules, scan
from tests.kit.jobs import Job
from tests.kit.pictures import bomb_png, jpeg, truncated
from tests.kit.privileges import unprivileged
from tests.kit.standin import write_photo


def names(root: Path, rules: ScanRules | None = None, *others: Path) -> list[str]:
    return [found.relative for found in scan(root, rules, roots=[root, *others]).found]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.png", "b.jpg", "raw/a.png", "raw/old/c.png", ".hidden.png", ".trash/d.png", "notes.txt"):
        (tmp_path / "tree" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tree" / name).write_bytes(b"photo")
    return tmp_path / "tree"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (ScanRules(), ["a.png", "b.jpg", "raw/a.png", "raw/old/c.png"]),
        (
            ScanRules(hidden=True),
            [".hidden.png", "a.png", "b.jpg", ".trash/d.png", "raw/a.png", "raw/old/c.png"],
        ),
        (ScanRules(exclude=("raw",)), ["a.png", "b.jpg"]),
        (ScanRules(exclude=("/a.png", "old/")), ["b.jpg", "raw/a.png"]),
        (ScanRules(include=("raw/",)), ["raw/a.png", "raw/old/c.png"]),
        (ScanRules(include=("*.png",), exclude=("raw/old",)), ["a.png", "raw/a.png"]),
    ],
    ids=repr,
)
def test_rules(tree: Path, rules: ScanRules, expected: list[str]) -> None:
    assert names(tree, rules) == expected
    for path in ("a.png", "b.jpg", "raw/a.png", "raw/old/c.png", ".hidden.png", ".trash/d.png"):
        assert rules.leave_out(path) == (path not in expected), path


def test_links_are_listed_or_followed_to_where_they_lead(tree: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "deep").mkdir(parents=True)
    (other / "deep" / "o.png").write_bytes(b"photo")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "x.png").write_bytes(b"secret")
    (tree / "d.png").symlink_to(tree / ".trash" / "d.png")
    (tree / "e.png").symlink_to("a.png")
    (tree / "bin").symlink_to(".trash")
    (tree / "round").symlink_to(tree)
    (tree / "raw" / "up").symlink_to("..")
    (tree / "there").symlink_to(other / "deep")
    (tree / "out.png").symlink_to(outside / "x.png")
    (tree / "out").symlink_to(outside)
    (tree / "lost.png").symlink_to("nowhere.png")
    (tree / "self.png").symlink_to("self.png")
    plain = scan(tree)
    assert [found.relative for found in plain.found] == ["a.png", "b.jpg", "raw/a.png", "raw/old/c.png"]
    reasons = {skipped.path.name: skipped.reason for skipped in plain.skipped}
    assert set(reasons) == {"d.png", "e.png", "out.png", "lost.png", "self.png"}
    assert "broken symbolic link" in reasons["lost.png"]
    assert "--follow-links" in reasons["d.png"]
    followed = scan(tree, ScanRules(follow_links=True), roots=[tree, other])
    found = [found.relative for found in followed.found]
    assert found == ["a.png", "b.jpg", "raw/a.png", "raw/old/c.png", ".trash/d.png"]
    reasons = {skipped.path.name: skipped.reason for skipped in followed.skipped}
    assert set(reasons) == {"out.png", "out", "lost.png", "self.png"}
    assert "leads out of the photo folders" in reasons["out"]


def test_rules_are_remembered_until_they_are_changed(quick: Job, hundred: Path) -> None:
    assert quick(hundred, change=RulesChange(exclude=["many/"])).photos == 15
    assert quick().photos == 15
    # Deliberately excluded files are not losses.
    report = quick(hundred, change=RulesChange(exclude=["few"]))
    assert (report.photos, report.added, report.removed, report.problems) == (85, 85, 15, [])
    assert quick(change=RulesChange(exclude=[""], include=["few"])).photos == 15
    assert quick(change=RulesChange(include=[""])).photos == 100


def test_every_bad_kind_of_file_is_listed_with_its_reason(quick: Job, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    write_photo(root / "good.png", 1)
    kinds: dict[str, tuple[bytes, str]] = {
        "empty.jpg": (b"", "empty"),
        "cut.jpg": (truncated(jpeg()), "is cut off"),
        "text.jpg": (b"Dear diary, this is no picture.", "text"),
        "bomb.png": (bomb_png(), "megapixels"),
        "noise.webp": (bytes(range(256)) * 4, "not a picture"),
    }
    for name, (data, _) in kinds.items():
        (root / name).write_bytes(data)
    (root / "wrong.png").write_bytes(jpeg())
    (root / "folder.jpg").mkdir()
    (root / "broken.jpg").symlink_to("nowhere")
    os.mkfifo(root / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.relpath(root / "s.jpg"))
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.jpg")).write_bytes(jpeg())
    expected = {name: reason for name, (_, reason) in kinds.items()} | {
        "folder.jpg": "a folder",
        "broken.jpg": "broken symbolic link",
        "pipe.jpg": "not a regular file",
        "s.jpg": "not a regular file",
        "\udcff.jpg": "UTF-8",
        "secret.jpg": "Permission denied",
    }
    (root / "secret.jpg").write_bytes(jpeg())
    (root / "secret.jpg").chmod(0)
    for _ in range(2):
        with unprivileged():
            report = quick(root)
        reasons = {skipped.path.name: skipped.reason for skipped in report.skipped}
        assert len(reasons) == len(report.skipped)
        assert set(reasons) == set(expected)
        for name, part in expected.items():
            assert part in reasons[name]
        assert report.photos == 2


def test_a_device_is_not_read(quick: Job, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    try:
        os.mknod(tmp_path / "photos" / "zero.jpg", 0o600 | 0o020000, os.makedev(1, 5))
    except OSError:
        pytest.skip("only root may make devices")
    with pytest.raises(NothingToIndex, match="not a regular file"):
        quick(tmp_path / "photos")


def test_a_photo_that_changes_while_it_is_read_is_taken_by_the_next_run(
    quick: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "photos"
    for seed in range(3):
        write_photo(root / f"{seed}.png", seed)
    whole = os.fstat

    def growing(number: int) -> os.stat_result:
        described = whole(number)
        if Path(f"/proc/self/fd/{number}").readlink().name == "1.png":
            with (root / "1.png").open("ab") as file:
                file.write(b"more")
        return described

    with monkeypatch.context() as patched:
        patched.setattr("indexer.decoding.process.os.fstat", growing)
        report = quick(root)
    assert [(bad.path.name, bad.reason) for bad in report.skipped] == [
        ("1.png", "it changed while it was being read; the next run tries again")
    ]
    assert report.photos == 2
    report = quick(root)
    assert (report.added, report.photos, report.skipped) == (1, 3, [])


@pytest.mark.parametrize("seconds", [0, -(10**9), 10**8, 2**34 - 1], ids=repr)
def test_clocks_that_go_wrong(quick: Job, tmp_path: Path, seconds: int) -> None:
    """A different time is a change, later or earlier; a time that the catalogue cannot store is not a crash."""
    root = tmp_path / "photos"
    for seed in range(2):
        write_photo(root / f"{seed}.png", seed)
    quick(root)
    write_photo(root / "0.png", 7)
    os.utime(root / "0.png", (seconds, seconds))
    report = quick(root)
    assert (report.changed, report.embedded, report.unchanged) == (1, 1, 1)
    report = quick(root)
    assert (report.changed, report.unchanged, report.published) == (0, 2, False)
