"""Compiled towers that are kept: the next start reads them, and whatever happens to them, vectors are the same."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from model import Encoder
from model.engines.runtime import openvino
from tests.kit.shapes import picture

_PHOTO = [picture("star")]


def _never(*_: Any) -> NoReturn:
    raise AssertionError("it compiles")


def _load(cache: Path, **options: Any) -> Encoder:
    return Encoder.load("lite", engine="openvino", cache=cache, **options)


def _kept(cache: Path) -> Path:
    (kept,) = cache.iterdir()
    return kept


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What one start has left, with the image tower in it."""
    folder = tmp_path_factory.mktemp("cache") / "sketchseek"
    _load(folder)
    return folder


def test_the_next_start_reads_what_the_last_one_compiled(
    cache: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino.Core, "compile_model", _never)
    assert np.array_equal(_load(cache).photos(_PHOTO), encoder.photos(_PHOTO))


def test_words_alone_need_no_image_tower(
    tmp_path: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = encoder.texts(["a cat"])
    _load(tmp_path, words_first=True)
    monkeypatch.setattr(openvino.Core, "compile_model", _never)
    again = _load(tmp_path, words_first=True)
    assert np.array_equal(again.texts(["a cat"]), expected)
    monkeypatch.undo()
    assert np.array_equal(again.photos(_PHOTO), encoder.photos(_PHOTO))


def _flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    "damage", [_flipped, lambda data: data[:-1], lambda _: b""], ids=["bit", "cut", "empty"]
)
def test_what_was_damaged_is_compiled_and_kept_again(
    cache: Path, encoder: Encoder, damage: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    _kept(cache).write_bytes(damage(_kept(cache).read_bytes()))
    assert np.array_equal(_load(cache).photos(_PHOTO), encoder.photos(_PHOTO))
    monkeypatch.setattr(openvino.Core, "compile_model", _never)
    assert np.array_equal(_load(cache).photos(_PHOTO), encoder.photos(_PHOTO))


def test_another_processor_version_or_option_is_another_file(
    cache: Path, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _kept(cache)
    monkeypatch.setattr(openvino, "get_version", lambda: "another")
    assert np.array_equal(_load(cache).photos(_PHOTO), encoder.photos(_PHOTO))
    others = [path for path in cache.iterdir() if path != before]
    assert len(others) == 1
    others[0].unlink()


def test_without_a_place_to_keep_them_towers_are_compiled(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "file").touch()
    assert np.array_equal(_load(tmp_path / "file").photos(_PHOTO), encoder.photos(_PHOTO))


def test_what_killed_processes_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    old, new = tmp_path / "1.compiled.17.tmp", tmp_path / "2.compiled.18.tmp"
    for path in (old, new):
        path.write_bytes(b"half of a network")
    os.utime(old, (1, 1))
    _load(tmp_path)
    assert not old.exists()
    assert new.exists()


def test_a_pipe_in_the_place_of_a_network_is_no_network(
    cache: Path, tmp_path: Path, encoder: Encoder
) -> None:
    os.mkfifo(tmp_path / _kept(cache).name)
    assert np.array_equal(_load(tmp_path).photos(_PHOTO), encoder.photos(_PHOTO))


def test_of_old_ones_few_stay(cache: Path, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.compiled").write_bytes(b"of another version")
    (tmp_path / "notes.txt").touch()
    _load(tmp_path)
    assert len(list(tmp_path.glob("*.compiled"))) == 8
    assert (tmp_path / _kept(cache).name).exists()
    assert (tmp_path / "notes.txt").exists()
