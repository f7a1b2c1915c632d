"""A quick start leaves out what nobody needs, and nothing else."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from service.ops import starting

_SERVE = """
import sys
from service.ops import starting
starting.load_framework()
from fastapi import FastAPI
from service.asgi import openapi
from service import schemas
from service.routes import health, search
from service.search.parameters.values import SearchParams
from pydantic import BaseModel
app = FastAPI()
app.include_router(search.router)
app.include_router(health.router)
openapi.install(app)
assert not any(made.__pydantic_complete__ for made in (SearchParams, schemas.Info))
assert "/search" in app.openapi()["paths"]
assert not any(name.startswith("pydantic.v1.") for name in sys.modules)
assert not BaseModel.model_config.get("defer_build")
"""


def test_what_only_the_document_needs_is_made_when_somebody_asks_for_it() -> None:
    subprocess.run([sys.executable, "-c", _SERVE], check=True, timeout=60)


def test_garbage_is_collected_again_once_all_is_imported() -> None:
    with starting.importing():
        assert not gc.isenabled()
        with starting.importing():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.unfreeze()


@pytest.mark.parametrize("named", ["", "relative"])
def test_the_cache_is_in_the_home_folder(named: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", named)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert starting.user_cache() == tmp_path / ".cache" / "sketchseek"
    monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
    assert starting.user_cache() == Path("/elsewhere/sketchseek")
