"""The page itself: index.html, and in it the declarations of the search parameters."""

import json
from pathlib import Path

from service.asgi.openapi import search_parameters

WEB = Path(__file__).parents[1] / "web"
_EMPTY = '<script type="application/json" id="parameters">{}</script>'


def page() -> str:
    html = (WEB / "index.html").read_text("utf-8")
    assert _EMPTY in html
    # As JSON in HTML: no text of a declaration may end the element.
    declared = json.dumps(search_parameters(), separators=(",", ":")).replace("<", "\\u003c")
    return html.replace(_EMPTY, _EMPTY.replace("{}", declared))
