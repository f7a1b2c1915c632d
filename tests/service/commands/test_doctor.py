"""`sketchseek doctor`: what is well, what is wrong, and what mends it."""

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import faiss
import pytest

from model import Encoder, gpu
from model.card import SHIPPED
from model.errors import DeviceProblem, NoEngine
from service.console import checks
from service.console.checks import Asked, Finding, findings, variables
from service.settings import Settings
from tests.kit import TOP
from tests.kit.jobs import index_quickly, quickly
from tests.kit.service.commands import doctor, wrong


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those of the test."""
    for name in variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_all_is_well(index: Path) -> None:
    done = doctor()  # ./index
    assert index == Path("index").absolute()
    assert done.exit_code == 0, done.output
    for part in (
        "openvino on cpu runs the model lite",
        "the model supports text",
        "15 photos, generation 000001, flat",
    ):
        assert part in done.stdout
    assert re.search(r"it embeds about [1-9][\d,]* photos a second", done.stdout)
    assert "WRONG" not in done.stdout
    assert {line.split()[1] for line in done.stdout.splitlines() if "->" not in line} == set(checks.CHECKS)


def test_local_parts_that_are_missing_or_complete(
    library: Path, encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[tuple[str, str]]:
        asked = Asked(tmp_path / "index", "lite", "openvino", Settings())
        with quickly():
            found = list(checks.index_state(asked))
        return [(one.state, one.text) for one in found if "local parts" in one.text]

    with monkeypatch.context() as headless:
        headless.setitem(vars(encoder), "local", None)
        index_quickly(tmp_path / "index", library, encoder)
    assert told() == [("note", "only 0 of 15 photos have local parts for rank=local")]
    index_quickly(tmp_path / "index", library, encoder)
    assert told() == [("ok", "local parts of all 15 photos")]


def test_an_index_that_is_not_there_or_damaged(index: Path, tmp_path: Path) -> None:
    missing = wrong(doctor("--json", "--index", str(tmp_path / "none")))
    assert (missing["check"], "no such folder" in missing["text"]) == ("index", True)
    assert missing["mend"] == f"sketchseek index FOLDER_OF_PHOTOS --index {tmp_path / 'none'}"
    with (index / "generations" / "000001" / "photos.sqlite").open("r+b") as file:
        file.write(b"damage")
    damaged = wrong(doctor("--json", "--index", str(index)))
    assert "photos.sqlite" in damaged["text"]
    assert damaged["mend"] == f"sketchseek index --index {index}"


@pytest.mark.parametrize(
    ("environment", "text", "mend"),
    [
        (
            {"SKETCHSEEK_PROT": "8001"},
            "SKETCHSEEK_PROT is not a setting",
            'export SKETCHSEEK_PORT="$SKETCHSEEK_PROT"; unset SKETCHSEEK_PROT',
        ),
        ({"SKETCHSEEK_XYZZY": "1"}, "SKETCHSEEK_XYZZY is not a setting", "unset SKETCHSEEK_XYZZY"),
        ({"SKETCHSEEK_PORT": "many"}, "SKETCHSEEK_PORT: ", "unset SKETCHSEEK_PORT, or fix it"),
        ({"SKETCHSEEK_HOST": "0.0.0.0"}, "would not start", "sketchseek key"),
        ({"SKETCHSEEK_API_KEYS": "secret"}, "is not a hash", "sketchseek key"),
        ({"SKETCHSEEK_API_KEYS_FILE": "none.txt"}, "cannot read", "sketchseek key"),
    ],
)
def test_settings_that_are_off(environment: dict[str, str], text: str, mend: str) -> None:
    found = wrong(doctor("--json", **environment))
    assert found["check"] == "settings"
    assert text in found["text"]
    assert found["mend"] == mend


def test_no_index_yet_and_showing_photos_to_anyone_are_noted(tmp_path: Path) -> None:
    done = doctor(SKETCHSEEK_HOST="0.0.0.0", SKETCHSEEK_ALLOW_ANYONE="true")
    assert done.exit_code == 0
    assert f"no index yet at {tmp_path}/data/sketchseek/index" in done.output
    assert re.search("note +settings +would show the photos to anyone who can reach", done.stdout)


def test_a_setting_in_the_file_is_looked_for_there(tmp_path: Path) -> None:
    (tmp_path / "sketchseek.toml").write_text("prot = 9")
    found = wrong(doctor("--json"))
    assert found["text"].startswith("`prot` in the settings file: ")
    assert found["mend"] == "fix it there, or remove the line"
    assert "would serve" not in doctor().stdout, "it would not serve at all"
    (tmp_path / "sketchseek.toml").write_text("port = -9")
    found = wrong(doctor("--json", SKETCHSEEK_PORT=""))
    assert found["text"].startswith("`port` in the settings file: "), "an empty variable sets nothing"


def test_a_file_of_settings_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "sketchseek.toml").write_text("port = = 1")
    assert "cannot read the settings file" in wrong(doctor("--json"))["text"]


def test_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: object, **__: object) -> None:
        raise NoEngine("openvino is not installed: pip install 'sketchseek[cpu]'")

    monkeypatch.setattr(checks, "Encoder", SimpleNamespace(load=load))
    found = wrong(doctor("--json"))
    assert (found["check"], found["mend"]) == ("engine", "pip install 'sketchseek[cpu]'")


def test_an_unknown_model_is_named() -> None:
    assert "no model 'huge'" in wrong(doctor("--json", "--model", "huge"))["text"]


def test_two_kinds_of_faiss_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "version", lambda package: "1.15.1")
    found = wrong(doctor("--json"))
    assert (found["check"], "overwritten" in found["text"]) == ("faiss", True)
    assert found["mend"].startswith("pip uninstall -y faiss-cpu faiss-gpu-cuvs")


def test_a_card_is_named_or_what_is_wrong_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Asked(None, "lite", "auto", Settings())
    monkeypatch.setattr(gpu, "seems_there", lambda: True)
    monkeypatch.setattr(gpu, "find", lambda: gpu.Gpu(0, "NVIDIA H200", 2**37, 2**37))
    assert next(checks.nvidia_gpu(asked)).text == (
        "cuda:0 is a NVIDIA H200, 131072 of 131072 MiB free; torch can use it"
    )

    def too_old() -> None:
        raise DeviceProblem("the NVIDIA driver is older than this torch needs: update it")

    monkeypatch.setattr(gpu, "find", too_old)
    found = next(checks.nvidia_gpu(asked))
    assert (found.state, "update it" in found.text) == ("wrong", True)


def test_faiss_that_does_not_load(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    asked = Asked(None, "lite", "auto", Settings())
    assert next(checks.faiss(asked)).mend == "pip install 'sketchseek[cpu]'"


def test_a_check_that_breaks_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Asked) -> Iterator[Finding]:
        raise RuntimeError("no luck")
        yield

    monkeypatch.setattr(checks, "CHECKS", {"broken": broken, "settings": checks.settings})
    found = list(findings(Asked(None, "lite", "auto", Settings())))
    assert found[0] == ("broken", Finding("wrong", "check failed: RuntimeError: no luck"))
    assert [name for name, _ in found] == ["broken", "settings"]


def test_a_damaged_local_head_is_named(index: Path, tmp_path: Path) -> None:
    head = shutil.copytree(SHIPPED / "lite", tmp_path / "model") / "local.safetensors"
    head.write_bytes(head.read_bytes()[:-1] + b"!")
    found = [one for _, one in findings(Asked(index, str(head.parent), "openvino", Settings()))]
    damaged = [one.text for one in found if one.state == "wrong"]
    assert len(damaged) == 1
    assert damaged[0].startswith(f"{head}: ")


def test_every_variable_that_the_code_reads_is_known() -> None:
    sources = [path for room in ("model", "indexer", "service") for path in (TOP / room).rglob("*.py")]
    read = {
        name
        for path in sources
        for name in re.findall(r'"(SKETCHSEEK_[A-Z_]*[A-Z])"', path.read_text("utf-8"))
    }
    assert "SKETCHSEEK_CONFIG" in read
    assert read <= variables()


def test_a_cpu_without_vector_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = checks.Asked(None, "lite", "auto", Settings())
    assert [finding.state for finding in checks.faiss(asked)] == ["ok"]
    monkeypatch.setattr(faiss.SIMDConfig, "get_level_name", lambda: "NONE")
    *_, found = checks.faiss(asked)
    assert (found.state, "searches are slower" in found.text) == ("note", True)
