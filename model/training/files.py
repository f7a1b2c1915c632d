"""Small files of a run: each is there whole or not at all, whenever a run is killed or the power fails."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def read(file: Path) -> dict[str, Any] | None:
    """The JSON that `write` wrote; None if there is none, or it is damaged, so that it has to be made again."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def write(file: Path, content: Mapping[str, object] | str) -> None:
    """Write JSON, or a text as it is."""
    text = content if isinstance(content, str) else json.dumps(content, indent=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
