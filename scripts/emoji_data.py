"""Make training data of emoji: line drawings of some 900 kinds of things, in up to ten hands, and pictures of them.

    npm pack openmoji @lobehub/fluent-emoji-3d @iconify-json/noto ...      # unpack the archives, each in a folder
    pip install resvg-py
    python scripts/emoji_data.py OUT OPENMOJI FOLDER...

Each FOLDER is an unpacked package. OPENMOJI says what each emoji is; what the others give:

| package | licence | drawings | pictures |
| --- | --- | --- | --- |
| openmoji | CC BY-SA 4.0 | its black lines | |
| @lobehub/fluent-emoji-3d | MIT | | 3D renders |
| @iconify-json/fluent-emoji-flat | MIT | outlines | |
| @iconify-json/fluent-emoji-high-contrast | MIT | as it is | |
| @iconify-json/noto | Apache 2.0 | outlines | in colour |
| @iconify-json/noto-v1, fxemoji | Apache 2.0 | outlines | |
| @iconify-json/twemoji, emojione, streamline-emojis | CC BY 4.0 | outlines | |
| @iconify-json/emojione-monotone | CC BY 4.0 | as it is | |

Outlines are the shapes of a coloured drawing, white with black edges: what covers what stays so. Those of a picture
that is there, too, are its pair. Writes `emoji.csv`, a manifest for `sketchseek train` whose paths start from OUT, and
`emoji-licences.csv` of its sets. `python -m scripts.lite_data` fetches the packages, and adds all this to a manifest.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

SIDE = 224
# Things that can be drawn and photographed; what is left out are people, faces, flags, signs and clocks.
GROUPS = ("activities", "animals-nature", "food-drink", "objects", "travel-places")
NOT_THINGS = ("time", "place-map", "hotel", "event", "award-medal", "lock", "sound")
OURS = ("animals-nature", "food-drink", "gardening", "objects", "technology", "travel-places")
# Several emoji of one thing, and names that other sets have for it.
NAMES = {
    "automobile": "car",
    "baby chick": "chicken",
    "bactrian camel": "camel",
    "bell with slash": "",
    "bottle with popping cork": "wine bottle",
    "camera with flash": "camera",
    "chipmunk": "squirrel",
    "closed umbrella": "umbrella",
    "cup with straw": "cup",
    "dromedary camel": "camel",
    "front-facing baby chick": "chicken",
    "hatching chick": "chicken",
    "headphone": "headphones",
    "high-speed train": "train",
    "locomotive": "train",
    "oncoming automobile": "car",
    "oncoming bus": "bus",
    "rooster": "chicken",
    "small airplane": "airplane",
    "airplane arrival": "airplane",
    "airplane departure": "airplane",
    "racing horse": "horse",
    "sun with": "sun",
    "soft ice cream": "ice cream",
    "shaved ice": "ice cream",
    "spouting whale": "whale",
    "teacup without handle": "cup",
    "two-hump camel": "camel",
    "umbrella on ground": "umbrella",
    "umbrella with rain drops": "umbrella",
    "water buffalo": "buffalo",
    "watch": "wristwatch",
}
# Packages whose drawings are black already, and whose pictures are worth more than their outlines.
BLACK = ("fluent-emoji-high-contrast", "emojione-monotone")
PICTURES = ("noto",)
# Drawings of one design, by whichever package it is drawn.
SETS = {"fluent-emoji-flat": "fluent", "fluent-emoji-high-contrast": "fluent"}
# Edges of a shape, in shares of the side.
EDGE = 1 / 64

Row = dict[str, str]


@dataclass(frozen=True)
class Emoji:
    """`name` is how iconify calls it."""

    code: str
    label: str
    name: str


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    out, openmoji, *others = map(Path, sys.argv[1:])
    write(out, "emoji", *made(out, openmoji, others))


def made(out: Path, openmoji: Path, others: Sequence[Path]) -> tuple[list[Row], dict[str, str]]:
    """The pictures of these packages, and the licences of their sets."""
    named = list(things(json.loads((openmoji / "data" / "openmoji.json").read_text(encoding="utf-8"))))
    rows = [*openmoji_lines(openmoji, named, out)]
    said = licences(openmoji, rows, {})
    for folder in others:
        more = [
            *(icons(folder, named, out) if (folder / "icons.json").is_file() else renders(folder, named, out))
        ]
        said = licences(folder, more, said)
        rows += more
    pictured = {(row["set"], row["pair_id"]) for row in rows if row["modality"] == "photo"}
    for row in rows:
        row["pair_id"] = row["pair_id"] if (row["set"], row["pair_id"]) in pictured else ""
    return rows, said


def write(out: Path, name: str, rows: Sequence[Row], said: Mapping[str, str]) -> None:
    """OUT/NAME.csv, the manifest of these pictures, and OUT/NAME-licences.csv, the licences of their sets."""
    with (out / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with (out / f"{name}-licences.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("set", "licence"), *sorted(said.items())])
    print(f"{len(rows)} pictures of {len({row['label'] for row in rows})} labels in {out}")


def licences(folder: Path, rows: Sequence[Row], before: Mapping[str, str]) -> dict[str, str]:
    """The licences of sets: those from `before`, and that of a package for what it became a part of."""
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    text = f"{package['license']}, npm {package['name']}"
    ours = {row["set"] for row in rows}
    return {**before, **{name: f"{before[name]}; {text}" if name in before else text for name in ours}}


def things(found: Sequence[Mapping[str, Any]]) -> Iterator[Emoji]:
    for each in found:
        group, part, said = each["group"], each["subgroups"], each["annotation"].lower()
        ours = group == "extras-openmoji" and part in OURS
        if each["skintone"] or not (ours or (group in GROUPS and part not in NOT_THINGS)):
            continue
        name = said.removesuffix(" face").replace("\u2019", "'").split(":")[0].split(",")[0].strip()
        if label := NAMES.get(name, name):
            yield Emoji(each["hexcode"].lower(), label, re.sub(r"[^a-z0-9]+", "-", said).strip("-"))


def openmoji_lines(folder: Path, named: Sequence[Emoji], out: Path) -> Iterator[Row]:
    for emoji in named:
        file = folder / "black" / "svg" / f"{emoji.code.upper()}.svg"
        if file.is_file():
            yield stored(drawn(file.read_text(encoding="utf-8")), out, "openmoji", "sketch", emoji)


def renders(folder: Path, named: Sequence[Emoji], out: Path) -> Iterator[Row]:
    files = {path.stem: path for path in (folder / "assets").iterdir()}
    for emoji in named:
        if file := files.get(emoji.code) or files.get(f"{emoji.code}-fe0f"):
            yield stored(on_white(Image.open(file)), out, "fluent", "photo", emoji)


def icons(folder: Path, named: Sequence[Emoji], out: Path) -> Iterator[Row]:
    """A package of iconify's: one file with the body of each SVG by its name."""
    found = json.loads((folder / "icons.json").read_text(encoding="utf-8"))
    prefix, bodies = found["prefix"], found["icons"]
    aliases = {name: each["parent"] for name, each in found.get("aliases", {}).items()}
    whole = Image.new("L", (SIDE, SIDE), "white")
    for emoji in named:
        body = bodies.get(aliases.get(emoji.name, emoji.name))
        if body is None:
            continue
        side = max(*(body.get(key, found.get(key, 16)) for key in ("width", "height")))
        source = SETS.get(prefix, prefix)
        black = prefix in BLACK
        lines = drawn(svg(body["body"] if black else outlined(body["body"], side * EDGE), side))
        # Some coloured drawings have no shapes with edges.
        if lines.tobytes() != whole.tobytes():
            yield stored(lines, out, source, "sketch", emoji, prefix)
        if prefix in PICTURES:
            yield stored(on_white(picture(svg(body["body"], side))), out, source, "photo", emoji)


def outlined(body: str, edge: float) -> str:
    """The same shapes, white with black edges; what is half transparent are shades and shines, and is left out."""
    body = re.sub(r'<[^<>]*opacity="[^"]*"[^<>]*/>', "", body)
    body = re.sub(r'\sfill="(?!none)[^"]*"', ' fill="#fff"', body)
    body = re.sub(r'\s(stroke|stroke-[a-z]+|style)="[^"]*"', "", body)
    return f'<g fill="#fff" stroke="#000" stroke-width="{edge:g}" stroke-linejoin="round">{body}</g>'


def svg(body: str, side: float) -> str:
    spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {spaces} viewBox="0 0 {side} {side}" color="#000">{body}</svg>'


def picture(source: str) -> Image.Image:
    import resvg_py

    made = resvg_py.svg_to_bytes(svg_string=source, width=SIDE, height=SIDE)
    return Image.open(io.BytesIO(bytes(made)))


def drawn(source: str) -> Image.Image:
    return on_white(picture(source)).convert("L")


def on_white(image: Image.Image) -> Image.Image:
    image = image.convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


def stored(image: Image.Image, out: Path, source: str, kind: str, emoji: Emoji, hand: str = "") -> Row:
    """`source` becomes the set; `hand` tells drawings of one set apart."""
    suffix = "png" if kind == "sketch" else "jpg"
    path = Path("emoji") / (hand or source) / kind / f"{emoji.code}.{suffix}"
    return saved(image, out, path, f"emoji-{source}", kind, emoji.label) | {"pair_id": emoji.code}


def saved(image: Image.Image, out: Path, path: Path, source: str, kind: str, label: str) -> Row:
    """Write a picture, and return its row of the manifest."""
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    image.save(out / path, quality=92)
    return {
        "set": source,
        "modality": kind,
        "class": label,
        "label": label,
        "path": path.as_posix(),
        "width": str(image.width),
        "height": str(image.height),
        "pair_id": "",
        "note": "",
    }


if __name__ == "__main__":
    main()
