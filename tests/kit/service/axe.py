"""What axe finds wrong with the page as it is now."""

from __future__ import annotations

from typing import Literal

import pytest

from tests.kit.service.desk import Desk

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python (extra: dev)"
)

Theme = Literal["light", "dark"]


def violations(desk: Desk, themes: tuple[Theme, ...] = ("light", "dark")) -> list[str]:
    """What is wrong in each theme; the page stays in the last one."""
    found = []
    for theme in themes:
        desk.page.emulate_media(color_scheme=theme)
        # Between two themes of one fade, colours are whatever they are.
        desk.still()
        response = axe.Axe().run(desk.page).response
        found += [
            f"{theme}: {one['id']}: {node['html']}" for one in response["violations"] for node in one["nodes"]
        ]
    return found
