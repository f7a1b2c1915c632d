"""What the search command says of the photos it lists, and why it lists none."""

import json
import os
import shlex
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.schemas import SearchResponse
from tests.kit import TOP
from tests.kit.service.commands import sketchseek
from tests.kit.service.giving import scripted
from tests.kit.service.servers import LiveServer

TEXT = ("search", "--text", "a house")


def answer(*relevances: float | None, nothing_close: bool = False) -> bytes:
    """What a service says of photos that it is so sure of."""
    body: dict[str, Any] = SearchResponse.model_json_schema()["examples"][0]
    [one] = body["results"]
    photos = [{**one, "path": f"{n}.jpg", "relevance": sure} for n, sure in enumerate(relevances)]
    return json.dumps({**body, "results": photos, "nothing_close": nothing_close}).encode()


def asked(body: bytes, *options: str) -> subprocess.CompletedProcess[str]:
    with scripted((200, {}, body)) as (url, _):
        return sketchseek(*TEXT, "--server", url, *options)


def test_a_column_says_how_likely_each_photo_is_where_that_is_known() -> None:
    known = asked(answer(1, 0.834, 0.002, None))
    assert known.stdout.splitlines() == [
        " 0.412  100%  0.jpg",
        " 0.412   83%  1.jpg",
        " 0.412    0%  2.jpg",
        " 0.412        3.jpg",
    ]
    assert (known.stderr, known.returncode) == ("", 0)
    assert asked(answer(None, None)).stdout == " 0.412  0.jpg\n 0.412  1.jpg\n"


def test_one_line_says_that_nothing_is_close() -> None:
    far = asked(answer(0.02, 0.01, nothing_close=True))
    assert far.stderr == "nothing close: probably no photo shows this; these come nearest\n"
    assert (len(far.stdout.splitlines()), far.returncode) == (2, 0)


@pytest.mark.parametrize("far", [True, False])
def test_json_carries_both(far: bool) -> None:
    rows = json.loads(asked(answer(0.5, None, nothing_close=far), "--json").stdout)
    assert [(row["relevance"], row["nothing_close"]) for row in rows] == [(0.5, far), (None, far)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--after", "2020"), "--after 2020; leave it out or relax it"),
        (("--min-score", "0.99", "--offset", "0"), "--min-score 0.99; leave it out or relax it"),
        (
            ("--camera", "A \x1b[31mB", "--folder", "fish", "--rank", "plain"),
            "--folder fish and --camera 'A \\x1b[31mB'; leave one out or relax it",
        ),
        (("--offset", "500"), "--offset 500; leave it out or relax it"),
    ],
)
def test_one_line_names_what_left_no_photo(
    index: Path, live_server: LiveServer, options: tuple[str, ...], said: str
) -> None:
    for where in (("--index", index), ("--server", live_server.url)):
        done = sketchseek(*TEXT, *options, *where)
        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr == f"nothing found: no photo passes {said}\n"
    assert sketchseek(*TEXT, *options, "--json", "--index", index).stdout == "[]\n"


def test_an_empty_index_says_so() -> None:
    none = asked(answer(nothing_close=True))
    assert (none.stderr, none.returncode) == ("nothing found: the index holds no photos yet\n", 0)


def test_finding_none_can_fail(index: Path) -> None:
    none = (*TEXT, "--after", "2090", "--index", index, "--fail-if-none")
    for options in ((), ("--json",)):
        done = sketchseek(*none, *options)
        assert (done.returncode, "nothing found: " in done.stderr) == (1, True)
    assert sketchseek(*TEXT, "--index", index, "--fail-if-none").returncode == 0


def test_folders_match_as_results_show_them_and_as_the_shell_sees_them(
    index: Path, library: Path, tmp_path: Path
) -> None:
    search = ("search", "--text", "a fish", "--index", index, "-k", "50", "--folder")
    inside = {str(path) for path in (library / "fish").iterdir()}
    (tmp_path / "link").symlink_to(library)
    printed = sketchseek(*search, "fish").stdout.splitlines()[0].split("  ")[-1]
    from_here = os.path.relpath(library / "fish", TOP)
    for folder in (
        "fish",
        "fish/",
        library / "fish",
        f"{library}/fish/",
        from_here,
        tmp_path / "link/fish",
        printed,
    ):
        found = sketchseek(*search, folder, "--json")
        assert {row["path"] for row in json.loads(found.stdout)} == inside, folder
    assert len(json.loads(sketchseek(*search, tmp_path, "--json").stdout)) == 15
    for folder in ("../nowhere", "/nowhere", "~nobody", "nowhere", "\\"):
        assert f"no photo passes --folder {shlex.quote(folder)}" in sketchseek(*search, folder).stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("a red car",), "a red car: no such file; to search by words: sketchseek search --text 'a red car'"),
        (("a", "red", "car"), "a: no such file; to search by words: sketchseek search --text 'a red car'"),
        (("none.png",), "none.png: no such file"),
        (("some/where",), "some/where: no such file"),
    ],
)
def test_words_in_the_place_of_a_drawing(index: Path, arguments: tuple[str, ...], hint: str) -> None:
    done = sketchseek("search", *arguments, "--index", index)
    assert (done.returncode, done.stderr) == (1, f"Error: {hint}\n")


def test_one_drawing_at_a_time(index: Path, tmp_path: Path) -> None:
    (tmp_path / "one.png").touch()
    done = sketchseek("search", tmp_path / "one.png", "two.png", "--index", index)
    assert (done.returncode, "one drawing at a time, without two.png" in done.stderr) == (2, True)


def test_filters_alone_list_the_photos_newest_first(
    library: Path, tmp_path: Path, live_server: LiveServer
) -> None:
    index = tmp_path / "index"
    for photo, year in zip(sorted((library / "fish").iterdir()), (2003, 2001, 2002), strict=True):
        moment = datetime(year, 1, 1).timestamp()
        os.utime(photo, (moment, moment))
    sketchseek("index", library, "--index", index)
    second, third, first = (str(path) for path in sorted((library / "fish").iterdir()))
    listed = sketchseek("search", "--folder", library / "fish", "--index", index)
    assert (listed.stdout.splitlines(), listed.stderr, listed.returncode) == (
        [second, first, third],
        "",
        0,
    )
    page = sketchseek("search", "--folder", "fish", "-k", "1", "--offset", "1", "--json", "--index", index)
    assert [row["path"] for row in json.loads(page.stdout)] == [first]
    served = sketchseek("search", "--folder", "fish", "--server", live_server.url, "-k", "2")
    assert [Path(line).parent.name for line in served.stdout.splitlines()] == ["fish", "fish"]
    none = sketchseek("search", "--after", "2090", "--index", index, "--fail-if-none")
    assert (none.returncode, "no photo passes --after 2090" in none.stderr) == (1, True)
    assert served.stderr == "2 of 6 photos\n"
    for nothing in ((), ("--fold-duplicates",)):
        empty = sketchseek("search", *nothing, "--index", index)
        assert (empty.returncode, "nothing to search for: name a drawing" in empty.stderr) == (1, True)


def test_the_index_that_the_page_uses_is_searched_by_default(index: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "sketchseek").mkdir(parents=True)
    index.rename(tmp_path / "data" / "sketchseek" / "index")
    done = sketchseek(*TEXT, "-k", "1", XDG_DATA_HOME=str(tmp_path / "data"))
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)
