"""Writes service/client/options.py, by which type checkers know the client's keywords, from the search parameters."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP))

from service.search.parameters import PARAMETERS  # noqa: E402

OPTIONS = TOP / "service" / "client" / "options.py"
_HEAD = '''"""The keywords of a search, for type checkers. scripts/client_options.py makes it from PARAMETERS."""

from datetime import date
from pathlib import Path
from typing import TypedDict

from PIL.Image import Image

# A file, the bytes of one, or a picture that Pillow holds.
Picture = str | Path | bytes | Image


class SearchOptions(TypedDict, total=False):
    """What a search takes; docs/api.md says what each means."""

    sketch: Picture | None
    photo: Picture | None
'''


def options() -> str:
    lines = []
    for name in PARAMETERS:
        parameter = PARAMETERS.load(name)
        kinds = [one.__name__ for one in (parameter.kind, *parameter.also)]
        lines.append(f"    {name}: {' | '.join(kinds + ['None'] * (parameter.default is None))}\n")
    return _HEAD + "".join(lines)


if __name__ == "__main__":
    OPTIONS.write_text(options(), "utf-8")
