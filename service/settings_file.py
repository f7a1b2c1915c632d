"""The settings file, and the few settings that commands take from it without reading the others."""

import os
import tomllib
from pathlib import Path
from typing import Any

from model.links import DOCS
from service.named import BadName, default_index, place, text_in

FILE = "sketchseek.toml"
_CONFIG = "SKETCHSEEK_CONFIG"


def named_index() -> Path:
    """The index that the settings file names, else the default one; reads no other setting."""
    found = in_file().get("index")
    try:
        return default_index() if found is None else place(str(found))
    except ValueError as error:
        raise BadName(f"{settings_file()}: index {error}") from None


def named_model() -> str | None:
    """The model that the settings file names."""
    found = in_file().get("model")
    return str(found) if found else None


def named_store() -> str | None:
    """The store that the settings file names; how to get in to it goes to where the indexer looks for that."""
    found = in_file()
    for name in ("store_token", "store_token_file", "store_ca", "store_timeout"):
        if name in found:
            variable = f"SKETCHSEEK_{name.upper()}"
            os.environ[variable] = os.environ.get(variable) or str(found[name])
    return str(found["store"]) if found.get("store") else None


def settings_file() -> Path:
    try:
        return place(os.environ.get(_CONFIG, FILE))
    except ValueError as error:
        raise BadName(f"{_CONFIG}: {error}") from None


def in_file() -> dict[str, Any]:
    """The settings in the file. An existing file without any is an error: its contents were probably lost."""
    path = settings_file()
    if _CONFIG not in os.environ and not os.path.lexists(path):
        return {}
    try:
        found = tomllib.loads(text_in(path, "the settings file"))
    except tomllib.TOMLDecodeError as error:
        raise BadName(f"{path}: cannot read the settings file ({error}); fix it") from None
    if not found:
        raise BadName(f"{path}: the settings file has no settings; {DOCS}/settings.md lists all settings")
    return found
