"""The page's modules: each is announced to the browser, and its folders depend on one another in one direction."""

from __future__ import annotations

import re
from pathlib import Path

WEB = Path(__file__).parents[3] / "service" / "web"
MODULES = sorted(WEB.rglob("*.js"))


def imports_of(module: Path) -> list[Path]:
    """What has to be there before the module runs."""
    return [(module.parent / name).resolve() for name in re.findall(r'from "(\..*)";', module.read_text())]


def imported_later(module: Path) -> list[Path]:
    return [
        (module.parent / name).resolve() for name in re.findall(r'import\("(\..*?)"\)', module.read_text())
    ]


def needed(module: Path, found: set[Path]) -> set[Path]:
    """The module and whatever it cannot run without."""
    found.add(module)
    for target in set(imports_of(module)) - found:
        needed(target, found)
    return found


def test_every_module_needed_at_first_is_preloaded_so_that_none_waits_for_another() -> None:
    links = re.findall(r'rel="modulepreload" href="web/(.*)"', (WEB / "index.html").read_text())
    first = needed(WEB / "app.js", set()) - {WEB / "app.js"}
    assert links == [path.relative_to(WEB).as_posix() for path in MODULES if path in first]


def test_folders_stand_alone_but_for_the_drawing_in_an_address() -> None:
    arrows = {
        (module.parent.name, target.parent.name)
        for module in MODULES
        for target in imports_of(module)
        if module.parent not in (WEB, target.parent) and target.parent != WEB  # the language is everybody's
    }
    assert arrows == {("search", "drawing"), ("help", "drawing")}


def test_every_module_is_imported_by_another() -> None:
    imported = {target for module in MODULES for target in [*imports_of(module), *imported_later(module)]}
    assert imported == set(MODULES) - {WEB / "app.js"}
