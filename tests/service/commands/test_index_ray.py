"""`sketchseek index --ray`: its options; and a real cluster of three nodes, one of which is killed in the middle."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer import IndexProblem, Published, RulesChange
from indexer.catalogue.database import Catalogue
from indexer.cluster import embedding
from indexer.locking.opening import CATALOGUE
from indexer.reports.report import Report
from model import Encoder
from model.card import SHIPPED
from service.console.cluster import everywhere, shared_arguments
from tests.kit import TOP
from tests.kit.jobs import index_quickly
from tests.kit.pictures import encoded, photo
from tests.kit.rays import RayNodes
from tests.kit.service.commands import parse, refused, sketchseek
from tests.kit.waiting import until

PHOTOS, PARTS = 120, 6


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--parts", "3"], "--parts needs --ray"),
        (["--parts-folder", "x"], "--parts-folder needs --ray"),
        (["--cpus-per-part", "3"], "--cpus-per-part needs --ray"),
        (["--ray", "auto", "--partition", "1/2"], "--partition cannot be used with --ray"),
        (["--ray", "auto", "--cpus", "2"], "--cpus cannot be used with --ray"),
        (["--ray", "auto", "--parts", "0"], "'--parts'"),
    ],
)
def test_options_that_do_not_go_together(tmp_path: Path, options: list[str], problem: str) -> None:
    done = sketchseek("index", tmp_path, "--index", tmp_path / "index", *options)
    assert (done.returncode, problem in done.stderr) == (2, True), done.stderr
    assert not (tmp_path / "index").exists()


def test_options_of_the_run_become_those_of_the_parts(tmp_path: Path) -> None:
    """Whatever the command takes, each part is told, in a way that its own command takes."""
    rules = RulesChange(["*.jpg", "-odd"], [""], hidden=True, follow_links=False)
    words = shared_arguments("openvino", rules, accept_deletions=True)
    asked = parse(f"sketchseek index --index x {' '.join(repr(word) for word in words)}").params
    assert asked["engine"] == "openvino"
    assert asked["include"] == ("*.jpg", "-odd")
    assert asked["exclude"] == ("",)
    assert (asked["hidden"], asked["follow_links"], asked["accept_deletions"]) == (True, False, True)
    with pytest.raises(IndexProblem, match="pattern"):
        shared_arguments("auto", RulesChange(exclude=["[b-a]"]), accept_deletions=False)
    assert shared_arguments("auto", RulesChange(), accept_deletions=False) == ["--engine", "auto"]


def test_a_model_is_named_so_that_all_nodes_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "card.json").touch()
    assert everywhere("mine") == str(tmp_path / "mine")
    assert everywhere("lite") == "lite"


def test_the_command_hands_on_what_it_was_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []

    def embed(index: Path, work: embedding.Work, *rest: Any, **more: Any) -> Report:
        heard.extend((index, work))
        return Report(photos=3)

    monkeypatch.setattr(embedding, "embed", embed)
    options = ["--ray", "head:6379", "--parts", "24", "--cpus-per-part", "4", "--parts-folder", "shared"]
    done = sketchseek(
        "index", tmp_path, "--index", tmp_path / "i", *options, "--forget", "old", "--model", "x"
    )
    assert done.returncode == 0, done.stderr
    index, work = heard
    assert index == tmp_path / "i"
    assert (work.address, work.parts, work.cpus_per_part, work.model) == ("head:6379", 24, 4, "x")
    assert (work.photos, work.folder, work.forget) == ((tmp_path,), Path("shared"), (Path("old"),))


def test_a_job_file_may_name_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[embedding.Work] = []
    monkeypatch.setattr(embedding, "embed", lambda index, work, *_, **__: heard.append(work) or Report())
    (tmp_path / "job.toml").write_text(
        'photos = ["photos"]\nindex = "index"\nray = "auto"\nparts = 9\nparts_folder = "shared"\n'
    )
    assert sketchseek("index", "--config", tmp_path / "job.toml").returncode == 0
    assert (heard[0].address, heard[0].parts, heard[0].folder) == ("auto", 9, tmp_path / "shared")


def test_a_cluster_that_is_not_there_is_one_line(library: Path, tmp_path: Path) -> None:
    done = sketchseek("index", library, "--index", tmp_path / "index", "--ray", "127.0.0.1:9")
    refused(done, "no Ray cluster answers at 127.0.0.1:9")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(PHOTOS):
        path = folder / f"{number % 5}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(photo(1200, 900, seed=number), "JPEG", quality=90))
    return folder


class Run:
    """The command, on a cluster."""

    def __init__(self, nodes: RayNodes, photos: Path, index: Path, *options: object) -> None:
        words = ("index", photos, "--index", index, "--ray", nodes.address, "--parts", PARTS, *options)
        self.index = index
        self.process = subprocess.Popen(
            nodes.inside(sys.executable, "-m", "service.cli", *words),
            cwd=TOP,
            env=nodes.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for_work(self, photos: int) -> None:
        """Until so many photos were decoded, and so more than what waits for the encoders was embedded."""
        parts = self.index / "parts"
        until(lambda: len([*parts.rglob("*.webp")]) >= photos or self.process.poll() is not None, 300)
        assert self.process.poll() is None, self.process.communicate()

    def end(self) -> tuple[int, str, str]:
        with self.process:
            out, err = self.process.communicate(timeout=300)
        return self.process.returncode, out, err


@pytest.fixture
def nodes() -> Iterator[RayNodes]:
    with RayNodes(1, 1, 1) as found:
        yield found


@pytest.fixture
def start(nodes: RayNodes, photos: Path) -> Iterator[Callable[..., Run]]:
    """Starts runs, none of which outlives its test."""
    started: list[Run] = []

    def begin(index: Path, *options: object) -> Run:
        started.append(Run(nodes, photos, index, *options))
        return started[-1]

    yield begin
    for run in started:
        run.process.kill()
        run.end()


def held(index: Path, encoder: Encoder) -> dict[str, tuple[str, Any]]:
    """Content and vector of all photos of an index, by path; fails if one is there twice."""
    opened = Published.open(index, encoder.fingerprint)
    hits = opened.search(np.ones((1, encoder.dimension), np.float32), 10_000)
    twice = [name for name, times in Counter(hit.photo.relative for hit in hits).items() if times > 1]
    assert not twice
    assert len(opened) == len(hits)
    found = {
        hit.photo.relative: (hit.photo.content, opened.vectors(np.array([hit.photo.id]))[0]) for hit in hits
    }
    opened.close()
    return found


def check_equal(index: Path, photos: Path, encoder: Encoder, plain: Path) -> None:
    """The library is that of a plain run, and every photo is in just one part, with an id of that part."""
    index_quickly(plain, photos, encoder)
    ours, theirs = held(index, encoder), held(plain, encoder)
    assert {name: content for name, (content, _) in ours.items()} == {
        name: content for name, (content, _) in theirs.items()
    }
    assert len(ours) == PHOTOS
    assert min(float(vector @ theirs[name][1]) for name, (_, vector) in ours.items()) > 0.999
    ids: dict[int, int] = {}
    for number in range(1, PARTS + 1):
        with Catalogue(index / "parts" / str(number) / CATALOGUE, read_only=True) as catalogue:
            mine = [one for (one,) in catalogue.connection.execute("SELECT id FROM photos")]
            (rows,) = catalogue.connection.execute("SELECT count(*) FROM vectors").fetchone()
        assert {one >> 51 for one in mine} == {number - 1}
        assert rows >= len(mine)
        ids |= dict.fromkeys(mine, number)
    with Catalogue(index / CATALOGUE, read_only=True) as catalogue:
        whole = {one for (one,) in catalogue.connection.execute("SELECT id FROM photos")}
    assert whole == ids.keys()


@pytest.mark.slow
@pytest.mark.parametrize("orphans", [True, False], ids=["its runs live on", "its runs die with it"])
def test_a_node_that_is_killed_costs_its_unfinished_work_only(
    nodes: RayNodes, start: Callable[..., Run], photos: Path, tmp_path: Path, encoder: Encoder, orphans: bool
) -> None:
    running = start(tmp_path / "index", "--json")
    # In the middle: a worker node that is at work, not the head.
    busy: list[int] = []

    def find() -> bool:
        done = len([*(tmp_path / "index" / "parts").glob("*/part.json")])
        busy[:] = filter(None, map(nodes.node_of, nodes.runs()))
        return (done >= 1 and bool(busy)) or running.process.poll() is not None

    until(find, 300)
    assert running.process.poll() is None, running.process.communicate()
    nodes.kill(busy[0], runs=not orphans)
    status, out, err = running.end()
    assert status == 0, err
    done = json.loads(out.splitlines()[-1])
    assert (done["event"], done["added"], done["photos"], done["problems"]) == ("done", PHOTOS, PHOTOS, [])
    # An orphan ended by itself, or was waited for.
    until(lambda: not nodes.runs())
    check_equal(tmp_path / "index", photos, encoder, tmp_path / "plain")
    # Two nodes are left, and nothing to do.
    again = start(tmp_path / "index", "--json").end()
    assert (again[0], json.loads(again[1].splitlines()[-1])["embedded"]) == (0, 0)


@pytest.mark.slow
def test_a_signal_stops_the_whole_cluster_and_the_next_run_goes_on(
    nodes: RayNodes, start: Callable[..., Run], photos: Path, tmp_path: Path, encoder: Encoder
) -> None:
    index = tmp_path / "index"
    running = start(index)
    running.wait_for_work(30)
    assert nodes.runs()
    running.process.send_signal(signal.SIGINT)
    status, _, err = running.end()
    assert (status, err.splitlines()[-1]) == (
        130,
        "Stopped. Finished work is kept; run the same command again to continue.",
    )
    assert not nodes.runs()
    # A command that is killed stops nothing itself.
    killed = start(index)
    until(lambda: bool(nodes.runs()))
    killed.process.kill()
    killed.end()
    until(lambda: not nodes.runs())
    status, out, err = start(index, "--json").end()
    assert status == 0, err
    done = json.loads(out.splitlines()[-1])
    assert (done["photos"], 0 < done["embedded"] < PHOTOS) == (PHOTOS, True)
    check_equal(index, photos, encoder, tmp_path / "plain")


@pytest.mark.slow
def test_a_full_cluster_and_parts_that_fail_are_told(start: Callable[..., Run], tmp_path: Path) -> None:
    waiting = start(tmp_path / "waiting", "--json", "--cpus-per-part", "2")
    assert waiting.process.stdout is not None
    for line in waiting.process.stdout:
        if "no node of the cluster has 2 CPUs, waiting for one" in json.loads(line).get("note", ""):
            break
    waiting.process.send_signal(signal.SIGTERM)
    assert waiting.end()[0] == 143
    # A model without its weights.
    (tmp_path / "model").mkdir()
    shutil.copy(SHIPPED / "lite" / "card.json", tmp_path / "model")
    status, _, err = start(tmp_path / "index", "--model", tmp_path / "model").end()
    assert status == 1
    assert f"{PARTS} of {PARTS} parts are unfinished: 1, 2, 3, 4, 5, 6." in err
    assert re.search(r"part \d/6 ended with status 1:\n +Error: .*cannot be read", err)
    status, _, err = start(tmp_path / "other", "--model", str(tmp_path / "none")).end()
    assert status == 1
    assert "no node of the Ray cluster can embed: " in err
    assert "give a folder with a card.json" in err


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount something over a folder")
def test_a_node_without_the_photos_is_named_and_not_used(photos: Path, tmp_path: Path) -> None:
    with RayNodes(1, 1, hidden=photos) as nodes:
        status, out, err = Run(nodes, photos, tmp_path / "index", "--json").end()
    assert status == 0, err
    assert re.search(rf"not used: .*: it has no photos in {re.escape(str(photos))}; mount them", err)
    assert json.loads(out.splitlines()[-1])["photos"] == PHOTOS
