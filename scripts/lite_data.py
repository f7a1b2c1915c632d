"""Add to a manifest of photos and drawings what `lite` learned from besides: emoji and icons, from packages on npm.

    pip install resvg-py                     # and npm, which comes with Node.js
    python -m scripts.lite_data MANIFEST.csv IMAGES LICENCES.csv

IMAGES is where the manifest's paths start from, and LICENCES.csv has the columns `set` and `licence`. Pictures go to
IMAGES/emoji and IMAGES/icons, packages to IMAGES/packages; what is there already is not fetched again. Writes
IMAGES/lite.csv and IMAGES/lite-licences.csv, for scripts/train_lite.sh.
"""

import csv
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from scripts import emoji_data, icon_data
from scripts.emoji_data import Row

_ICONIFY = "@iconify-json/"
_EMOJI = (
    "fluent-emoji-flat fluent-emoji-high-contrast noto noto-v1 fxemoji twemoji emojione streamline-emojis "
    "emojione-monotone"
)
EMOJI = ("openmoji", "@lobehub/fluent-emoji-3d", *(_ICONIFY + name for name in _EMOJI.split()))
# Those with the most labels that have photos, under licences that allow a model.
_ICONS = (
    "akar-icons bi bx carbon cil clarity fa6-solid fluent fontisto game-icons hugeicons icon-park-outline iconoir ion "
    "la lucide lucide-lab majesticons maki material-symbols-light mdi mingcute mynaui pepicons-pop ph pinhead proicons "
    "ri solar streamline streamline-cyber streamline-plump tabler temaki uil vaadin"
)
ICONS = tuple(_ICONIFY + name for name in _ICONS.split())


def main() -> None:
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    manifest, images, licences = map(Path, sys.argv[1:])
    packages = images / "packages"
    openmoji, *others = (fetched(name, packages) for name in EMOJI)
    emoji, said = emoji_data.made(images, openmoji, others)
    rows = [*_read(manifest), *emoji]
    labels = {row["label"] for row in rows if row["modality"] == "photo"}
    icons, more = icon_data.made(images, labels, [fetched(name, packages) for name in ICONS])
    rows += icons
    # A manifest may have columns of its own, or lack some that these have.
    blank = dict.fromkeys((name for row in rows for name in row), "")
    known = {row["set"]: row["licence"] for row in _read(licences)}
    emoji_data.write(images, "lite", [blank | row for row in rows], known | said | more)


def fetched(name: str, packages: Path) -> Path:
    """The folder of a package, fetched from npm if it is not there."""
    folder = packages / name.rpartition("/")[2]
    if folder.is_dir():
        return folder
    packages.mkdir(parents=True, exist_ok=True)
    if shutil.which("npm") is None:
        sys.exit(f"{name} comes from npm, which is not here: install Node.js")
    done = subprocess.run(
        ["npm", "pack", "--silent", name], cwd=packages, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"npm cannot fetch {name}: {done.stderr.strip() or 'is it there, and is npm configured?'}")
    archive, beside = packages / done.stdout.split()[-1], packages / f"{folder.name}.part"
    with tarfile.open(archive) as opened:
        opened.extractall(beside, filter="data")
    # npm puts everything into one folder.
    next(beside.iterdir()).rename(folder)
    beside.rmdir()
    archive.unlink()
    return folder


def _read(file: Path) -> list[Row]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


if __name__ == "__main__":
    main()
