"""What axe finds wrong with the page as it is now."""

from __future__ import annotations

import pytest

from tests.kit.service.desk import Desk

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="needs axe-playwright-python (extra: dev)"
)


def violations(desk: Desk) -> list[str]:
    # Between two themes of one fade, colours are whatever they are.
    desk.still()
    found = axe.Axe().run(desk.page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
