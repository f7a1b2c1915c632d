"""The page's modules: each is announced to the browser, and its folders depend on one another in one direction."""

from __future__ import annotations

import re
from pathlib import Path

WEB = Path(__file__).parents[3] / "service" / "web"
MODULES = sorted(WEB.rglob("*.js"))


def imports_of(module: Path) -> list[Path]:
    return named_in(module, r'from "(\..*)";')


def lazy_imports_of(module: Path) -> list[Path]:
    return named_in(module, r'import\("(\..*?)"\)')


def named_in(module: Path, pattern: str) -> list[Path]:
    return [(module.parent / name).resolve() for name in re.findall(pattern, module.read_text())]


def needed_at_first() -> set[Path]:
    """The page's module, and whatever is imported from there on without being asked for."""
    found, new = set(), {WEB / "app.js"}
    while new:
        found |= new
        new = {target for module in new for target in imports_of(module)} - found
    return found


def test_what_is_needed_at_first_is_preloaded_so_that_no_module_waits_for_another() -> None:
    links = re.findall(r'rel="modulepreload" href="web/(.*)"', (WEB / "index.html").read_text())
    assert links == sorted(path.relative_to(WEB).as_posix() for path in needed_at_first() - {WEB / "app.js"})


def test_folders_stand_alone_but_for_the_drawing_in_an_address_and_tiles_in_the_library() -> None:
    arrows = {
        (module.parent.name, target.parent.name)
        for module in MODULES
        for target in (*imports_of(module), *lazy_imports_of(module))
        if module.parent not in (WEB, target.parent) and target.parent != WEB  # the language is everybody's
    }
    assert arrows == {("search", "drawing"), ("library", "photos")}


def test_every_module_is_imported_by_another() -> None:
    imported = {target for module in MODULES for target in (*imports_of(module), *lazy_imports_of(module))}
    assert imported == set(MODULES) - {WEB / "app.js"}
