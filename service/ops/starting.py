"""Start sooner: put off, or leave out, what libraries do while they are imported and nobody here needs.

Half of the time from the command to the first answer went into importing.
"""

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def importing() -> Iterator[None]:
    """While many modules are loaded: nothing of them is garbage, so looking for it takes a tenth of the time in vain.

    What is there in the end stays out of later searches for garbage as well, which then hold up requests less.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()


def load_framework() -> None:
    """Import FastAPI, for a process that only serves. Takes a third of the time of a plain import."""
    # FastAPI loads pydantic's old version to refuse models of it, of which there are none here.
    sys.modules.setdefault("pydantic.v1", None)  # type: ignore[arg-type]
    from pydantic import BaseModel

    # It describes OpenAPI in models of its own; they are built when somebody asks for /openapi.json.
    before = BaseModel.model_config
    BaseModel.model_config = {**before, "defer_build": True}
    try:
        importlib.import_module("fastapi")
    finally:
        BaseModel.model_config = before


def user_cache() -> Path:
    """Where programs keep what they can make again."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(named) if named.startswith("/") else Path("~/.cache").expanduser()
    return base / "sketchseek"
