"""The page itself: index.html, and in it the search parameters and the languages that there are."""

import json
from pathlib import Path

from service.asgi.openapi import search_parameters

WEB = Path(__file__).parents[1] / "web"
_EMPTY = '<script type="application/json" id="{}">{{}}</script>'


def page() -> str:
    html = (WEB / "index.html").read_text("utf-8")
    for name, value in (("parameters", search_parameters()), ("languages", languages())):
        empty = _EMPTY.format(name)
        assert empty in html
        # As JSON in HTML: no text of a declaration may end the element.
        declared = json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")
        html = html.replace(empty, empty.replace("{}", declared))
    return html


def languages() -> dict[str, str]:
    """The languages that have a dictionary, by tag; each dictionary names its language under an empty text."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in (WEB / "languages").glob("*.json")}
    return {tag: found[tag].get("", tag) for tag in sorted(found)}
