"""Log lines for machines, what they must not hold, and where settings come from."""

import json
import logging
from pathlib import Path

import pytest

from indexer.address import Access
from service.ops.logging import configure, without_paths
from service.settings import Settings
from service.settings_file import named_store
from tests.kit.service.commands import refused, sketchseek


def test_log_lines_bear_no_other_lines(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure("json", "info")
        try:
            raise ValueError("two\nlines")
        except ValueError:
            logging.getLogger("x").exception("a\nb", extra={"fields": {"status": 500}})
        logging.getLogger("x").debug("unheard")
        line = json.loads(capsys.readouterr().err)
        assert (line["message"], line["level"], line["status"]) == ("a\nb", "ERROR", 500)
        assert "ValueError" in line["trace"]
    finally:
        root.handlers[:], root.level = handlers, level


def test_paths_are_taken_out_of_what_leaves() -> None:
    for text, rest in (
        ("/home/a b/index/CURRENT: names nothing", "CURRENT: names nothing"),
        ("serving 1, for /x/y: gone", "serving 1, for y: gone"),
        ("see https://example.com/a/b", "see https://example.com/a/b"),
    ):
        assert without_paths(text) == rest


def test_settings_come_from_options_then_environment_then_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings().port == 8000
    (tmp_path / "sketchseek.toml").write_text('port = 1\nhost = "::1"\nlog_format = "json"\n')
    assert (Settings().port, Settings().log_format) == (1, "json")
    monkeypatch.setenv("SKETCHSEEK_PORT", "2")
    assert (Settings().port, Settings(port=3).port, Settings(port=3).host) == (2, 3, "::1")
    monkeypatch.setenv("SKETCHSEEK_PORT", "")
    assert Settings().port == 1
    (tmp_path / "other.toml").write_text("port = 4\nprot = 5\n")
    refused(sketchseek("serve", "--config", tmp_path / "other.toml"), "prot")
    (tmp_path / "other.toml").write_text('model = "huge"\nindex = "none"\n')
    refused(sketchseek("serve", "--port", 0, "--config", tmp_path / "other.toml"), "'huge'")
    (tmp_path / "other.toml").write_text("port =")
    refused(sketchseek("serve", "--config", tmp_path / "other.toml"), "other.toml")


@pytest.mark.parametrize("name", sorted(Settings.model_fields.keys() - {"api_keys_file"}))
def test_an_empty_variable_counts_as_unset(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(f"SKETCHSEEK_{name.upper()}", "")
    unset = Settings()
    assert name not in unset.model_fields_set
    assert getattr(unset, name) == getattr(Settings.model_construct(), name)


def test_how_to_get_in_to_the_server_may_be_empty_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sketchseek.toml").write_text(
        'store = "milvus://here:1/x"\nstore_token = "a:b"\nstore_timeout = 3\n'
    )
    monkeypatch.setenv("SKETCHSEEK_STORE_TOKEN", "")
    monkeypatch.setenv("SKETCHSEEK_STORE_TIMEOUT", "5")
    assert named_store() == "milvus://here:1/x"
    assert Access.of() == Access(token="a:b", timeout=5.0)
