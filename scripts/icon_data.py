"""Make training data of icons: line drawings of the kinds of things that a manifest has photos of, in many hands.

    npm pack @iconify-json/game-icons @iconify-json/lucide ...             # unpack the archives, each in a folder
    pip install resvg-py
    python -m scripts.icon_data OUT MANIFEST.csv FOLDER...

Each FOLDER is an unpacked package of iconify's. Any will do; these have the most, under licences that allow a model:

| @iconify-json | licence |
| --- | --- |
| game-icons | CC BY 3.0 |
| icon-park-outline, mdi, material-symbols-light | Apache 2.0 |
| ph, tabler, hugeicons, iconoir | MIT |
| lucide, lucide-lab | ISC |
| solar, streamline-plump, fa6-solid | CC BY 4.0 |
| maki, temaki | CC0 1.0 |

An icon whose name is that of a label becomes a drawing of it, one for each package; shapes that are filled lose their
filling. Writes `icons.csv` and `icons-licences.csv`, as scripts/emoji_data.py does.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from scripts.emoji_data import EDGE, SIDE, Row, drawn, licences, outlined, saved, svg, write

# How packages name their styles. Those that come first are lines already.
STYLES = (
    *("thin", "light", "linear", "line", "outline", "outlined", "broken", "round", "rounded", "sharp"),
    *("stroke", "variant", "alt", "bold", "duotone", "twotone", "bulk", "solid", "fill", "filled"),
)
# Labels whose name means something else among icons: signs of a program, a place on a map, a sport.
_OTHERS = (
    "bakery bar bass bubble camping chest cinema construction cooking crane cricket dock drumstick file fog foggy "
    "horizontal-bar hotel ledger library menu metro mouse patio person pick pirate plane reel restaurant rule seal "
    "space-bar spotlight station suit switch table tank tick valley wedding wind window wool"
)
OTHER_SENSES = frozenset(_OTHERS.split())
# Less ink than this is a dot or a dash, more is no drawing.
INK = (0.01, 0.6)


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    out, manifest, *folders = map(Path, sys.argv[1:])
    with manifest.open(newline="", encoding="utf-8") as file:
        labels = {row["label"] for row in csv.DictReader(file) if row["modality"] == "photo"}
    write(out, "icons", *made(out, labels, folders))


def made(out: Path, labels: set[str], folders: Sequence[Path]) -> tuple[list[Row], dict[str, str]]:
    """The drawings of these labels in these packages, and the licences of their sets."""
    rows: list[Row] = []
    said: dict[str, str] = {}
    for folder in folders:
        found = list(icons(folder, labels, out))
        said = licences(folder, found, said)
        rows += found
        print(f"{folder}: {len(found)} drawings")
    return rows, said


def icons(folder: Path, labels: set[str], out: Path) -> Iterator[Row]:
    found = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    prefix, bodies = found["prefix"], found["icons"]
    for label, name in sorted(named(bodies, labels).items()):
        body = bodies[name]
        side = max(body.get(key, found.get(key, 16)) for key in ("width", "height"))
        is_lines = 'fill="none"' in body["body"] and "stroke" in body["body"]
        image = drawn(svg(body["body"] if is_lines else outlined(body["body"], side * EDGE), side))
        ink = 1 - sum(image.convert("L").tobytes()) / 255 / SIDE**2
        if not INK[0] < ink < INK[1]:
            continue
        path = Path("icons") / prefix / f"{name}.png"
        yield saved(image, out, path, f"icons-{prefix}", "sketch", label)


def named(bodies: Mapping[str, object], labels: set[str]) -> dict[str, str]:
    """The icon of each label that has one, in the style that is most of lines."""
    wanted = {re.sub(r"[^a-z0-9]+", "-", label.lower()): label for label in labels}
    found: dict[str, tuple[tuple[int, str], str]] = {}
    for name in bodies:
        bare, style = without_style(name)
        if bare in wanted and bare not in OTHER_SENSES:
            rank = (style, name)
            label = wanted[bare]
            if label not in found or rank < found[label][0]:
                found[label] = (rank, name)
    return {label: name for label, (_, name) in found.items()}


def without_style(name: str) -> tuple[str, int]:
    """The name of the thing, and the place of the style among STYLES; a name without one is most often lines."""
    parts, style = name.split("-"), 0
    while len(parts) > 1 and (parts[-1] in STYLES or parts[-1].isdigit()):
        last = parts.pop()
        style = max(style, STYLES.index(last) if last in STYLES else 1)
    return "-".join(parts), style


if __name__ == "__main__":
    main()
