"""Download the demo gallery: photo cut-outs from Debian's tuxpaint-stamps-default package, named by their captions.

About 160 MB are fetched; 343 pictures come of it on Debian 12, 470 on Debian 13.
Needs apt-get and dpkg, but not root, and installs nothing: the package is downloaded and unpacked into a folder.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGE = "tuxpaint-stamps-default"
STAMPS = Path("usr/share/tuxpaint/stamps")
# Drawings rather than photos, or near-identical ones.
NO_PHOTOS = re.compile(r"(^|/)(symbols|cartoon|flags|roadsigns|toys|seasonal)(/|$)")


def main() -> None:
    target = Path(sys.argv[1])
    for tool in ("apt-get", "dpkg"):
        if shutil.which(tool) is None:
            sys.exit(
                f"The demo gallery is a Debian package, and {tool} is not installed.\n"
                "Use a folder of your own pictures instead: make demo PHOTOS=/my/pictures"
            )
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        folder = Path(scratch)
        print(f"Downloading {PACKAGE} (160 MB) ...", flush=True)
        archive = download(folder)
        subprocess.run(["dpkg", "-x", archive.name, "unpacked"], cwd=folder, check=True)
        count = collect(folder / "unpacked" / STAMPS, folder / "photos")
        (folder / "photos").rename(target)
    print(f"{count} photos in {target} (Tux Paint stamps by their many contributors, GPL-2)")


def download(folder: Path) -> Path:
    """Download using the system's package lists, or our own if there are none, as in a fresh container."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::Lists={lists}", "-o", f"Dir::Cache={folder}"]
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run(["apt-get", "download", PACKAGE], **quiet).returncode:
        subprocess.run(["apt-get", *own, "update"], **quiet)
        subprocess.run(["apt-get", *own, "download", PACKAGE], **quiet)
    found = next(folder.glob("*.deb"), None)
    if found is None:
        sys.exit(
            f"apt-get could not download {PACKAGE}; check the network connection.\n"
            "Use a folder of your own pictures instead: make demo PHOTOS=/my/pictures"
        )
    return found


def collect(stamps: Path, target: Path) -> int:
    """Copy the photos, named by their captions, which is what people see next to them."""
    count = 0
    for picture in sorted(stamps.rglob("*.png")):
        relative = picture.relative_to(stamps)
        if NO_PHOTOS.search(relative.parent.as_posix()) or re.search(r"_(mirror|flip)$", picture.stem):
            continue
        name = caption(picture) or picture.stem.replace("_", " ")
        folder = target / relative.parts[0]
        folder.mkdir(parents=True, exist_ok=True)
        copy = folder / f"{name}.png"
        number = 2
        while copy.exists():
            copy = folder / f"{name} {number}.png"
            number += 1
        shutil.copyfile(picture, copy)
        count += 1
    return count


def caption(picture: Path) -> str:
    """The caption file's first line, shortened: "A strawberry." becomes "strawberry"."""
    try:
        line = picture.with_suffix(".txt").read_text(encoding="utf-8", errors="replace").splitlines()[0]
    except (OSError, IndexError):
        return ""
    thing = re.split(r"[.,:;!?(]", line.strip())[0]
    bare = re.sub(r"^(this is )?(a|an|the|some|eat your)\s+", "", thing, flags=re.IGNORECASE)
    return " ".join(re.sub(r"[^\w '-]+", " ", bare).split())[:60]


if __name__ == "__main__":
    main()
