"""The command as users run it: in its own process, with its exit code and what it prints."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from indexer.generations.generation import current
from indexer.generations.manifest import read_manifest, seal_manifest
from service.cli import _suggestion
from service.library import reindex
from service.library.reindex import Reindex
from service.settings import Settings
from tests.kit import TOP
from tests.kit.pictures import drawing_png, truncated
from tests.kit.service.commands import Serving, in_a_process, refused, sketchseek
from tests.kit.service.servers import LiveServer
from tests.kit.shapes import drawing, picture


@pytest.fixture
def fish(tmp_path: Path) -> Path:
    drawing("fish").save(tmp_path / "fish.png")
    return tmp_path / "fish.png"


def test_index_tells_what_it_did(library: Path, tmp_path: Path) -> None:
    (library / "text.jpg").write_text("no picture")
    first = in_a_process("index", library, "--index", tmp_path / "index")
    assert first.returncode == 0
    assert "15 added, 1 skipped" in first.stdout
    assert "published generation 000001 with 15 photos" in first.stdout
    assert re.search(r"skipped .*text\.jpg: not a picture", first.stderr)
    picture("fish", 9).save(library / "new.png")
    second = sketchseek("index", "--index", tmp_path / "index")
    assert "1 added, 15 unchanged, 1 skipped" in second.stdout
    third = sketchseek("index", library, SKETCHSEEK_INDEX=str(tmp_path / "index"))
    assert third.stdout.startswith("16 unchanged, 1 skipped")
    assert "unchanged: generation 000002 with 16 photos" in third.stdout


def test_index_refuses_what_it_cannot_do(library: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(sketchseek("index", tmp_path / "nowhere", "--index", tmp_path / "i"), "no such folder")
    refused(sketchseek("index", tmp_path / "empty", "--index", tmp_path / "i"), "no photos in it")
    refused(sketchseek("index", library, "--index", library), "holds other files")
    refused(sketchseek("index", library, "--index", tmp_path / "i", "--model", "huge"), "one of: lite")
    done = sketchseek("index", library, tmp_path / "nowhere", "--index", tmp_path / "i")
    assert (done.returncode, "15 added" in done.stdout, "no such folder" in done.stderr) == (1, True, True)


def test_search_prints_a_table_or_json(index: Path, fish: Path, library: Path) -> None:
    table = in_a_process("search", fish, "--index", index, "-k", "4")
    assert table.returncode == 0, table.stderr
    lines = table.stdout.splitlines()
    assert len(lines) == 4
    assert re.fullmatch(rf" *0\.\d{{3}}  ( *\d+%  )?{re.escape(str(library))}/fish/fish \d\.jpg", lines[0])
    assert "\x1b" not in table.stdout
    sixels = sketchseek("search", fish, "--index", index, "-k", "2", "--thumbnails", "sixel").stdout
    assert sixels.count("\x1bP0;1;0q") == 2
    gone = Path(lines[0].split("  ")[-1])
    gone.rename(gone.with_suffix(".away"))
    assert "gone since it was indexed" in sketchseek("search", fish, "--index", index, "-k", "1").stdout
    gone.with_suffix(".away").rename(gone)
    rows = json.loads(sketchseek("search", fish, "--index", index, "-k", "4", "--json").stdout)
    assert [row["path"] for row in rows] == [line.split("  ")[-1] for line in lines]
    assert set(rows[0]) == {
        "id", "score", "relevance", "path", "width", "height", "taken", "camera", "colour", "favourite",
        "duplicates", "detail", "nothing_close",
    }  # fmt: skip


def test_search_by_words_a_photo_and_a_mix(index: Path, fish: Path, library: Path) -> None:
    mug = library / "mug" / "mug 0.jpg"
    photo = ("search", "--photo", mug, "--index", index, "--json")
    rows = json.loads(sketchseek(*photo, "-k", "3").stdout)
    assert rows[0]["path"] == str(mug)
    like = ("search", "--like", rows[0]["id"], "--index", index, "--json")
    again = json.loads(sketchseek(*like, "-k", "2", "--offset", "1").stdout)
    assert [row["id"] for row in again] == [row["id"] for row in rows[1:]]
    mix = sketchseek(
        "search", fish, "--text", "a fish", "--like", rows[0]["id"], "--like-weight", "-0.5",
        "--folder", "fish", "--min-score", "-1", "--fold-duplicates", "--index", index,
    )  # fmt: skip
    assert len(mix.stdout.splitlines()) == 3, mix.stderr


def test_search_refuses_parameters_that_make_no_sense(index: Path, fish: Path) -> None:
    refused(sketchseek("search", "--index", index), "nothing to search for")
    refused(sketchseek("search", fish, "-k", "300", "--index", index), "-k: ")
    refused(sketchseek("search", fish, "--text-weight", "nan", "--index", index), "--text-weight: ")
    unknown = ("search", fish, "--rank", "magic")
    refused(sketchseek(*unknown, "--index", index), "--rank: unknown name 'magic'; known: plain, collection")
    refused(sketchseek("search", "--like", "0" * 16, "--index", index), "no photo has the id")
    elsewhere = {"XDG_DATA_HOME": "/nowhere"}
    refused(sketchseek("search", fish, **elsewhere), "create an index there with: sketchseek index PHOTOS")


def test_search_asks_a_service(live_server: LiveServer, fish: Path, tmp_path: Path) -> None:
    server = ("--server", live_server.url)
    table = sketchseek("search", fish, "--text", "a fish", "-k", "3", *server)
    assert re.fullmatch(r" *0\.\d{3}  ( *\d+%  )?fish/fish \d\.jpg", table.stdout.splitlines()[0]), (
        table.stderr
    )
    found = json.loads(sketchseek("search", fish, "--text", "a fish", "-k", "3", "--json", *server).stdout)
    assert httpx.get(found[0]["url"]).headers["content-type"] == "image/jpeg"
    assert httpx.get(found[0]["thumbnail_url"]).headers["content-type"] == "image/webp"
    shown = sketchseek("search", fish, "-k", "2", "--thumbnails", "kitty", *server).stdout
    assert shown.count("\x1b_Ga=T") == 2
    refused(sketchseek("search", fish, "-k", "300", *server), "k: ")
    refused(sketchseek("search", fish, "--rank", "magic", *server), "rank: unknown name 'magic'")
    refused(sketchseek("search", tmp_path / "none.png", *server), "none.png: ")
    refused(sketchseek("search", fish, "--server", "http://127.0.0.1:1"), "is sketchseek serve running there")


def test_search_refuses_what_is_no_drawing_or_no_index(index: Path, fish: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(truncated(drawing_png()))
    (tmp_path / "blank.png").write_bytes(drawing_png(ink="white"))
    refused(sketchseek("search", tmp_path / "cut.png", "--index", index), f"{tmp_path}/cut.png: ")
    refused(sketchseek("search", tmp_path / "blank.png", "--index", index), "empty")
    refused(sketchseek("search", tmp_path / "none.png", "--index", index), "none.png: ")
    refused(sketchseek("search", fish, "--index", tmp_path / "none"), "no such folder")
    refused(sketchseek("search", fish, "--index", tmp_path / "photos"), "not an index")


def test_an_index_of_another_model_is_refused(index: Path, fish: Path) -> None:
    folder = current(index)
    other = replace(read_manifest(folder), fingerprint="0" * 16)
    (folder / "manifest.json").write_bytes(seal_manifest(other))
    refused(sketchseek("search", fish, "--index", index), "made by another model")
    refused(in_a_process("serve", "--index", index, "--port", 0), "made by another model")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_serve_says_where_and_stops_cleanly(index: Path, fish: Path, how: signal.Signals) -> None:
    server = Serving("--index", index)
    assert "15 photos on cpu, model lite with openvino on cpu" in server.said[0]
    for _ in range(200):
        try:
            answer = httpx.post(f"{server.url}search", files={"sketch": fish.read_bytes()})
            break
        except httpx.ConnectError:
            time.sleep(0.05)
    assert answer.json()["results"][0]["path"].startswith("fish/")
    _, errors = server.stop(how)
    assert errors == ""


def test_serve_refuses_a_taken_port(index: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(in_a_process("serve", "--index", index, "--port", port), f"{port} is in use")


def test_serve_refuses_bad_settings(tmp_path: Path) -> None:
    refused(sketchseek("serve", "--port", "0", SKETCHSEEK_MAX_UPLOAD_MB="lots"), "SKETCHSEEK_MAX_UPLOAD_MB")
    unknown = "(SKETCHSEEK_RANK): unknown re-ranker 'magic'; known: plain, collection"
    refused(sketchseek("serve", "--port", "0", "--rank", "magic"), unknown)
    refused(sketchseek("serve", "--port", "0", "--host", "no.such.host.invalid"), "cannot listen on")
    (tmp_path / "letter.txt").touch()
    refused(sketchseek("serve", "--port", "0", "--index", tmp_path), "not an index")


def test_help_is_quick_and_names_everything() -> None:
    done = in_a_process("--help")
    assert all(name in done.stdout for name in ("index", "search", "serve"))
    for name in ("index", "search", "serve"):
        assert "--index" in sketchseek(name, "--help").stdout
    slow = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "service.cli", "--help"],
        cwd=TOP,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not re.search(r"\b(numpy|openvino|fastapi|faiss)\b", slow.stderr)


def test_a_command_without_its_libraries_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['torch'] = None; from service.cli import main; main(['train', '--help'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=TOP, capture_output=True, text=True, check=False
    )
    refused(done, "needs torch: pip install 'sketchseek[train]'")


def test_index_lists_what_it_skipped_and_forgets(library: Path, tmp_path: Path) -> None:
    for number in range(25):
        (library / f"note {number}\x1b[31m.jpg").write_text("no picture")
    short = sketchseek("index", library, "--index", tmp_path / "index")
    assert (short.stderr.count("skipped /"), "and 5 more; --verbose" in short.stderr) == (20, True)
    assert "\x1b" not in short.stderr
    assert sketchseek("index", "--index", tmp_path / "index", "-v").stderr.count("skipped /") == 25
    refused(sketchseek("index", "--index", tmp_path / "index" / "CURRENT" / "x"), "CURRENT")
    done = sketchseek("index", "--index", tmp_path / "index", "--forget", library)
    assert "15 removed" in done.stdout
    assert "with 0 photos" in done.stdout


@pytest.mark.parametrize("arguments", [("status", "--json"), ("verify", "--json"), ("status",)])
def test_output_that_nobody_takes(index: Path, arguments: tuple[str, ...]) -> None:
    """A full disk behind it, or a stream that the caller closed."""
    command = [sys.executable, "-m", "service", *arguments, "--index", str(index)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, cwd=TOP, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "Error: cannot write the output: No space left on device\n",
    )
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *command], cwd=TOP, stderr=subprocess.PIPE, text=True, check=False
    )
    assert (closed.returncode, closed.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("serach", "No such command 'serach'. Did you mean 'search'?"),
        ("Serve", "No such command 'Serve'. Did you mean 'serve'?"),
        ("ban", "No such command 'ban'. Did you mean 'bank'?"),
        ("exdex", "No such command 'exdex'. Did you mean 'index'?"),
        ("xyzzy", "No such command 'xyzzy'."),
    ],
)
def test_a_misspelled_command_is_recognised(typed: str, said: str) -> None:
    done = sketchseek(typed)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (2, f"Error: {said}")


def test_several_commands_that_are_near_are_all_named() -> None:
    assert _suggestion("mere") == " Did you mean 'merge' or 'serve'?"


_IMPOSTOR = "raise SystemExit('this is the folder of somebody else')"


def test_folders_of_the_same_name_in_the_working_folder_do_no_harm(library: Path, tmp_path: Path) -> None:
    """The script, with its decoder processes; and the run that a service starts."""
    here = tmp_path / "here"
    for name in ("service", "indexer", "model"):
        (here / name).mkdir(parents=True)
        (here / name / "__init__.py").write_text(_IMPOSTOR)
    script = here.parent / "sketchseek"
    script.write_text(
        f"#!{sys.executable}\nimport sys\nfrom service.__main__ import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(script), *map(str, words)],
            cwd=here,
            env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
        )

    done = run("index", library, "--index", tmp_path / "index")
    assert (done.returncode, "15 added" in done.stdout) == (0, True), done.stderr
    started = _index_as_a_service_does(tmp_path / "index", here)
    assert (started.returncode, "somebody else" in started.stdout) == (0, False), started.stdout


def _index_as_a_service_does(index: Path, here: Path) -> subprocess.CompletedProcess[str]:
    async def nothing() -> None:
        pass

    command = Reindex(Settings(index=index), nothing)._command()
    with subprocess.Popen(
        command,
        cwd=here,
        env=reindex._environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as job:
        assert job.stdout is not None
        # The job would stop if its standard input closed first.
        out = job.stdout.read()
    return subprocess.CompletedProcess(command, job.returncode, out)
