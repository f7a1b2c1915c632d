"""Whatever a setting names: empty, a folder, a pipe, unreadable, or without what it was to say; each is refused."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from model import SketchseekError
from service.asgi import keys
from service.asgi.keys import BadKeys
from service.cli import main
from service.named import BadName
from service.settings import Settings
from tests.kit.privileges import unprivileged

KEY, ENTRY = keys.make(admin=False)
ADMIN_ENTRY = keys.make(admin=True)[1]
CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \r\n\n\t",
    "a mark alone": b"\xef\xbb\xbf",
    "remarks alone": b"# our keys\n  # none yet\n",
}


def folder(path: Path) -> None:
    path.mkdir()


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def secret(path: Path) -> None:
    path.write_text(ENTRY)
    path.chmod(0)


def utf16(path: Path) -> None:
    path.write_text(ENTRY, encoding="utf-16")


def huge(path: Path) -> None:
    path.write_text(f"{ENTRY}\n" + "#" * 2**20)


ODD: tuple[Callable[[Path], object], ...] = (folder, os.mkfifo, dangling, secret, utf16, huge)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_a_key_file_without_keys_lets_nobody_in(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "keys.txt"
    file.write_bytes(content)
    for entries in ("", ENTRY):
        with pytest.raises(BadKeys) as refusal:
            keys.read(entries, file)
        assert str(refusal.value) == (
            f"{file}: the key file has no keys; add one with: sketchseek key >> {file}"
        )


@pytest.mark.parametrize("make", ODD, ids=lambda make: make.__name__)
def test_what_is_no_readable_file_of_keys_or_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    file = tmp_path / "file"
    make(file)
    monkeypatch.setenv("SKETCHSEEK_CONFIG", str(file))
    with unprivileged():
        for kind, read in ((BadKeys, lambda: keys.read(ENTRY, file)), (BadName, Settings)):
            with pytest.raises(kind) as refusal:
                read()
            said = str(refusal.value)
            assert said.startswith(f"{file}: ")
            assert re.search("cannot read the|too large for the", said)
            assert "\n" not in said


def test_files_of_other_systems_are_read(tmp_path: Path) -> None:
    file = tmp_path / "keys.txt"
    lines = ["# ours", ENTRY, f"{ADMIN_ENTRY}  # laptop", ENTRY, ""]
    for mark in (b"", b"\xef\xbb\xbf"):
        for end in ("\n", "\r\n", "\r"):
            file.write_bytes(mark + end.join(lines).encode())
            ring = keys.read(ENTRY, file)
            assert ring.find(KEY) == keys.Key(ENTRY, admin=False)


def test_a_key_cannot_be_admin_and_not(tmp_path: Path) -> None:
    (tmp_path / "keys.txt").write_text(f"{ENTRY}:admin\n")
    with pytest.raises(BadKeys, match="listed twice") as refusal:
        keys.read(ENTRY, tmp_path / "keys.txt")
    assert ENTRY not in str(refusal.value)


@pytest.mark.parametrize("name", ["api_keys_file", "index"])
@pytest.mark.parametrize("value", ["", " ", "~nobody-of-that-name/x", "a\0b"])
def test_a_setting_that_names_nothing(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a path|cannot resolve"):
        Settings.model_validate({name: value})
    file = tmp_path / "settings.toml"
    file.write_text(f"{name} = {json.dumps(value)}\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SKETCHSEEK_CONFIG", str(file))
        with pytest.raises(ValidationError, match=r"is not a path|cannot resolve"):
            Settings()


@pytest.mark.parametrize("name", ["api_keys", "allowed_hosts", "cors_origins"])
def test_a_list_of_commas_is_none(name: str) -> None:
    for value in (" , ", ",", " "):
        with pytest.raises(ValidationError, match="has no entries"):
            Settings.model_validate({name: value})
    assert getattr(Settings.model_validate({name: ""}), name) == ""


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
def test_settings_that_got_lost_are_no_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKETCHSEEK_CONFIG", raising=False)
    assert Settings().port == 8000
    (tmp_path / "sketchseek.toml").write_bytes(content)
    with pytest.raises(BadName, match="has no settings"):
        Settings()
    (tmp_path / "sketchseek.toml").write_bytes(b"\xef\xbb\xbfport = 1\r\nlog_format = 'json'\r\n")
    assert (Settings().port, Settings().log_format) == (1, "json")
    for named in ("", "nowhere.toml", "."):
        monkeypatch.setenv("SKETCHSEEK_CONFIG", named)
        with pytest.raises(BadName):
            Settings()


@pytest.mark.parametrize(
    "arguments",
    [
        ("index", "", "--index", "made"),
        ("index", ".", "--index", ""),
        ("index", "--index", "made", "--forget", ""),
        ("merge", "", "--index", "made"),
        ("serve", "--index", "", "--port", "0"),
        ("serve", "--config", "", "--port", "0"),
        ("search", "--photo", "", "--index", "made"),
        ("status", "--index", "  "),
        ("doctor", "--index", ""),
        ("evaluate", "", "--out", "made"),
        ("evaluate", ".", "--out", ""),
        ("blend", ".", "--out", ""),
        ("join", ".", ".", ".", "--out", ""),
        ("bank", "", "."),
    ],
    ids=" ".join,
)
def test_an_empty_name_is_not_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2
    assert "is not a path" in done.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no options"),
        ("# index = 'x'\n", "has no options"),
        ('index = ""\n', "'index' is not a path"),
        ('photos = [""]\nindex = "i"\n', "'photos' is not a path"),
    ],
)
def test_a_job_file_that_says_nothing(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "job.toml").write_text(text)
    done = CliRunner().invoke(main, ["index", "--config", str(tmp_path / "job.toml")])
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["job.toml"]


def test_a_job_file_with_a_mark_is_read(tmp_path: Path, library: Path) -> None:
    (tmp_path / "job.toml").write_bytes(b'\xef\xbb\xbfphotos = ["photos"]\r\nindex = "index"\r\n')
    done = CliRunner().invoke(main, ["index", "--config", str(tmp_path / "job.toml")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "index" / "CURRENT").is_file()


def test_a_model_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    from model.card import Checkpoint

    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "card.json").touch()
    with pytest.raises(SketchseekError, match="not a model card"):
        Checkpoint.find(tmp_path / "model")
    (tmp_path / "model").chmod(0)
    with unprivileged(), pytest.raises(SketchseekError, match="model: cannot be read"):
        Checkpoint.find(tmp_path / "model")
    for name in ("", " ", "."):
        with pytest.raises(SketchseekError, match="no model"):
            Checkpoint.find(name)
