"""The page's modules: each is announced to the browser, and its folders depend on one another in one direction."""

from __future__ import annotations

import re
from pathlib import Path

WEB = Path(__file__).parents[3] / "service" / "web"
MODULES = sorted(WEB.rglob("*.js"))


def imports_of(module: Path, pattern: str = r'from "(\..*?)";') -> list[Path]:
    return [(module.parent / name).resolve() for name in re.findall(pattern, module.read_text())]


def loaded_later(module: Path) -> list[Path]:
    return imports_of(module, r'import\("(\..*?)"\)')


def needed_by(first: Path) -> set[Path]:
    found: set[Path] = set()
    left = [first]
    while left:
        module = left.pop()
        left += set(imports_of(module)) - found
        found.add(module)
    return found


def test_every_module_needed_at_first_is_preloaded_so_that_none_waits_for_another() -> None:
    links = re.findall(r'rel="modulepreload" href="web/(.*)"', (WEB / "index.html").read_text())
    drawable, first = needed_by(WEB / "drawing" / "paper.js"), needed_by(WEB / "app.js")
    in_order = [*sorted(drawable), *sorted(first - drawable - {WEB / "app.js"})]
    assert links == [path.relative_to(WEB).as_posix() for path in in_order], (
        "what is needed to draw comes first"
    )


def test_folders_stand_alone_but_for_a_few_that_use_another() -> None:
    arrows = {
        (module.parent.name, target.parent.name)
        for module in MODULES
        for target in [*imports_of(module), *loaded_later(module)]
        if module.parent not in (WEB, target.parent) and target.parent != WEB  # the language is everybody's
    }
    assert arrows == {
        ("search", "drawing"),
        ("setup", "service"),
        ("help", "drawing"),
        ("library", "photos"),
        ("viewer", "photos"),
        ("viewer", "why"),
    }


def test_every_module_is_imported_by_another() -> None:
    imported = {target for module in MODULES for target in [*imports_of(module), *loaded_later(module)]}
    assert imported == set(MODULES) - {WEB / "app.js"}
