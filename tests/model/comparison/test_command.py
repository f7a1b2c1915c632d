"""`sketchseek compare`, from the command line to its table, with towers small enough for a test."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import Result

from model import cores
from model.comparison import training
from model.comparison.rows import rows
from model.errors import ModelError
from model.methods import METHODS
from model.training.folder import held
from model.training.run import Run
from model.training.views import Views

pytestmark = pytest.mark.slow

Compare = Callable[..., Result]
UNSEEN = ("ball", "cross")


def succeeded(result: Result) -> None:
    assert result.exit_code == 0, result.output


def table(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "comparison.json").read_text())["rows"]
    return found


def test_every_method_becomes_a_row(compare: Compare, tmp_path: Path) -> None:
    result = compare("--seeds", "0", "--on", "toys", "--pairs", "shoes", steps=1)
    assert result.exit_code == 0, result.output
    rows = table(tmp_path / "out")
    assert {"raw", "ours", *METHODS} <= set(rows) | set(_left_out(result.output))
    for name, row in rows.items():
        for vectors, figures in row["cells"][0]["vectors"].items():
            assert {"mAP", "first", "large hit@5", "pair@1"} <= set(figures["means"]), (name, vectors)
            assert all(0 <= value <= 1 for value in figures["means"].values()), (name, vectors)
    assert {"collection", "ICFRR", "ClusterRetri"} == set(rows["ours"]["cells"][0]["stages"])
    assert "pairs, all" in rows["zse"]["cells"][0]["stages"]
    text = (tmp_path / "out" / "comparison.md").read_text()
    assert "| zse, pairs, first 25 | as it is |" in text
    assert "| ours, ICFRR | means off |" in text
    assert (tmp_path / "out" / "comparison.png").stat().st_size > 10_000


def _left_out(output: str) -> list[str]:
    lines = [line for line in output.splitlines() if line.startswith("left out: method ")]
    return [line.split("'")[1] for line in lines]


def test_what_is_done_is_not_done_again(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeeded(compare("siamese", "--seeds", "0"))
    before = table(tmp_path / "out")

    def never(*_: object, **__: object) -> None:
        raise AssertionError("nothing is left to train")

    with monkeypatch.context() as patch:
        patch.setattr(training.Run, "go", never)
        succeeded(compare("siamese", "--seeds", "0"))
    assert table(tmp_path / "out") == before
    succeeded(compare("siamese", "--seeds", "0,1"))
    cells = table(tmp_path / "out")["siamese"]["cells"]
    assert [cell["seed"] for cell in cells] == [0, 1]
    assert cells[0] == before["siamese"]["cells"][0]
    assert "±" in (tmp_path / "out" / "comparison.md").read_text()


def test_a_run_killed_in_a_cell_goes_on_with_it(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = compare("siamese", "--seeds", "3", out=tmp_path / "whole", steps=24)
    assert whole.exit_code == 0
    steps: list[int] = []
    real = Run._step

    def killed(self: Run, step: int) -> None:
        if self.recipe.seed == 3 and step == 22:
            raise KeyboardInterrupt
        real(self, step)

    def counted(self: Run, step: int) -> None:
        if self.recipe.seed == 3:
            steps.append(step)
        real(self, step)

    with monkeypatch.context() as patch:
        patch.setattr(Run, "_step", killed)
        assert compare("siamese", "--seeds", "3", steps=24).exit_code != 0
    monkeypatch.setattr(Run, "_step", counted)
    succeeded(compare("siamese", "--seeds", "3", steps=24))
    assert steps == [20, 21, 22, 23]
    ours, theirs = (
        table(folder)["siamese"]["cells"][0]["vectors"] for folder in (tmp_path / "out", tmp_path / "whole")
    )
    assert ours == theirs


def test_what_the_folder_holds_decides_what_is_done(compare: Compare, tmp_path: Path) -> None:
    succeeded(compare("raw"))
    out, before = tmp_path / "out", table(tmp_path / "out")
    refused = compare("raw", steps=3)
    assert refused.exit_code == 1
    assert "a comparison with another value of steps" in refused.output
    prepared = (out / "views" / "seen.f16").stat().st_mtime_ns
    refused = compare("raw", "--pairs", "shoes")
    assert "a comparison with another value of data" in refused.output
    assert (out / "views" / "seen.f16").stat().st_mtime_ns == prepared
    with held(out):
        assert "another process is at work there" in compare("raw").output
    cell = out / "raw" / "seed 0" / "cell.json"
    cell.write_text(cell.read_text()[:100])
    succeeded(compare("raw"))
    assert table(out)["raw"]["cells"][0]["vectors"] == before["raw"]["cells"][0]["vectors"]
    (out / "plan.json").write_text("")
    refused = compare("raw")
    assert (refused.exit_code, "plan.json: damaged: remove it if" in refused.output) == (1, True)


def test_rates_leave_no_weights_and_are_chosen_again_if_damaged(compare: Compare, tmp_path: Path) -> None:
    succeeded(compare("siamese", "--seeds", "0", steps=1))
    trial, cell = (tmp_path / "out" / "siamese" / name for name in ("rate 0.0001", "seed 0"))
    # Weights of three trials for each row would fill a disk.
    assert {file.name for file in trial.iterdir()} == {"curves.csv", "curves.png"}
    assert (cell / "best.safetensors").is_file()
    assert not (cell / "state.safetensors").exists()
    file = tmp_path / "out" / "siamese" / "rates.json"
    before = file.read_text()
    file.write_text(before[:20])
    succeeded(compare("siamese", "--seeds", "0", steps=1))
    assert file.read_text() == before


@pytest.mark.parametrize(("said", "threads"), [("1", []), (None, [cores.usable()])])
def test_whoever_limits_threads_is_obeyed(
    compare: Compare, monkeypatch: pytest.MonkeyPatch, said: str | None, threads: list[int]
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if said is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    compare("raw", "--on", "toyz")
    assert asked == threads


def test_views_vary_as_the_recipe_says_but_once(
    compare: Compare, toys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Exception):
        pass

    def asked(self: Views, *_: object) -> None:
        raise Asked(self._variety.rich)

    monkeypatch.setattr(Views, "cache", asked)
    recipe = json.loads((toys / "small.json").read_text()) | {"variations": "rich"}
    (tmp_path / "rich.json").write_text(json.dumps(recipe))
    with pytest.raises(Asked, match="True"):
        compare("raw", recipe=tmp_path / "rich.json")
    (tmp_path / "turns.json").write_text(json.dumps(recipe | {"turns": 2}))
    refused = compare("raw", recipe=tmp_path / "turns.json")
    assert (refused.exit_code, "made once: leave out `turns`" in refused.output) == (1, True)


def test_a_file_is_no_folder(compare: Compare, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    refused = compare("raw")
    assert (refused.exit_code, "out: cannot be written to (File exists)" in refused.output) == (1, True)


def test_a_method_whose_needs_are_not_met_is_refused_before_any_work(
    compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wordless(recipe: Any) -> Any:
        network = training.build(recipe)
        network.learner.reads_words = False
        return network

    monkeypatch.setattr("model.comparison.command.build", wordless)
    refused = compare("ma-sbir")
    assert refused.exit_code == 1
    assert "method 'ma-sbir' needs a text tower" in refused.output
    assert not (tmp_path / "out" / "views").exists()


def test_needs_are_not_met_by_what_is_never_trained_on(compare: Compare, toys: Path) -> None:
    with (toys / "manifest.csv").open(newline="") as opened:
        rows = list(csv.DictReader(opened))
    with (toys / "unpaired.csv").open("w", newline="") as opened:
        writer = csv.DictWriter(opened, rows[0])
        writer.writeheader()
        writer.writerows(row if row["class"] in UNSEEN else row | {"pair_id": ""} for row in rows)
    refused = compare("cvae", data=toys / "unpaired.csv")
    assert (refused.exit_code, "method 'cvae' needs sketches with their own photo" in refused.output) == (
        1,
        True,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "unknown row 'nothing'; known: raw, "),
        (["siamese", "--seeds", "one"], "--seeds one: write numbers such as 0,1,2, from 0"),
        (
            ["siamese", "--seeds", "4294967296"],
            "--seeds 4294967296: write numbers such as 0,1,2, from 0 to 4294967295",
        ),
        (["siamese", "--pairs", "toyz"], "--pairs toyz: manifest has no such set; it has shoes, toys"),
        (["siamese", "--on", "shoes"], "no sketches and photos of unseen labels in the set shoes"),
        (["siamese", "--on", "toyz"], "--on toyz: manifest has no such set; it has shoes, toys"),
    ],
)
def test_wrong_arguments_are_named(compare: Compare, arguments: list[str], said: str) -> None:
    refused = compare(*arguments)
    assert refused.exit_code == 1
    assert said in refused.output


def test_a_second_row_trains_the_tower() -> None:
    for name, row in rows().items():
        try:
            recipe = row.recipe("lite-base", 10)
        except ModelError as error:
            pytest.fail(f"{name}: {error}")
        if name.endswith("+tower"):
            assert recipe.tower == "later-stages"
