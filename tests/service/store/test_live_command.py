"""`--live` as users type it, with the library in Milvus Lite, which needs no server."""

import json
from pathlib import Path

import pytest

from indexer.remote.shelf import RemoteShelf
from tests.kit.remote import lite, store, wipe
from tests.kit.service.commands import refused, sketchseek
from tests.kit.shapes import picture


def test_a_live_library_from_the_first_run_to_its_end(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody has to be waited for.
    monkeypatch.setattr(RemoteShelf, "_unload_others", lambda *_: None)
    address = lite(tmp_path)
    index = ("index", library, "--index", tmp_path / "work", "--store", address)
    at = ("--index", tmp_path / "work", "--store", address)
    assert "published generation 000001 with 15 photos" in sketchseek(*index, "--live").stdout
    picture("star", 77).save(library / "new.png")
    assert "published generation 000001 with 16 photos" in sketchseek(*index).stdout
    told = sketchseek("status", *at)
    assert (told.returncode, "000001 of 000001, live: changed in place" in told.stdout) == (0, True)
    assert json.loads(sketchseek("status", *at, "--json").stdout)["live"] is True
    refused(sketchseek("rollback", *at), "is live, so it has no earlier state to go back to")
    assert "published generation 000002 with 16 photos" in sketchseek(*index, "--no-live").stdout
    assert json.loads(sketchseek("status", *at, "--json").stdout)["live"] is False
    wipe(store(address))


def test_a_folder_cannot_be_live(library: Path, tmp_path: Path) -> None:
    done = sketchseek("index", library, "--index", tmp_path / "index", "--live")
    refused(done, "--live is for a library on a server; add --store")
    assert not (tmp_path / "index").exists()
