"""Thumbnails for terminals that support them: kitty's protocol, iTerm2's, and sixels.

Detection uses environment variables: querying the terminal would mean reading its replies from the keyboard.
"""

import base64
import io
import os
from collections.abc import Callable, Mapping
from typing import Literal, TextIO, get_args

import numpy as np
from PIL import Image

Pictures = Literal["kitty", "iterm", "sixel", "none"]
CHOICES = ("auto", *get_args(Pictures))

# Height of a row of text on most screens; thumbnails have this many pixels per row.
_ROW_PIXELS = 20
ROWS = 6
_KITTY_CHUNK = 4096
_SIXEL_COLOURS = 255
# Inside a multiplexer, it is unknown what reaches the terminal.
_MULTIPLEXERS = ("TMUX", "STY")
_SIXEL_TERMS = ("foot", "mlterm", "yaft", "contour", "xterm-sixel")
_SIXEL_PROGRAMS = frozenset({"contour", "Black Box"})


def detect(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Pictures:
    """What the terminal behind a stream can show; "none" for a file or a pipe."""
    if not stream.isatty() or any(name in environment for name in _MULTIPLEXERS):
        return "none"
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "KITTY_WINDOW_ID" in environment or "kitty" in term or program == "ghostty" or "ghostty" in term:
        return "kitty"
    if program in {"iTerm.app", "WezTerm", "mintty", "vscode"} or "iTerm" in environment.get(
        "LC_TERMINAL", ""
    ):
        # VS Code shows images only if its setting is on, and otherwise nothing at all.
        return "none" if program == "vscode" else "iterm"
    if "KONSOLE_VERSION" in environment:
        return "sixel" if environment["KONSOLE_VERSION"][:6] >= "220400" else "none"
    sixel = term.startswith(_SIXEL_TERMS) or program in _SIXEL_PROGRAMS or "WT_SESSION" in environment
    return "sixel" if sixel else "none"


def chosen(wanted: str, stream: TextIO) -> Pictures:
    """Resolve `auto` by detection; any explicit choice is used as is, even for a pipe."""
    return next((name for name in get_args(Pictures) if name == wanted), None) or detect(stream)


def render(image: Image.Image, kind: Pictures) -> str:
    """The escape sequence that shows a picture six rows high, followed by a line break."""
    if kind == "none":
        return ""
    small = _on_white(image)
    height = ROWS * _ROW_PIXELS
    small.thumbnail((height * 3, height), Image.Resampling.LANCZOS)
    return _RENDERERS[kind](small) + "\n"


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    layer = image.convert("RGBA")
    sheet = Image.new("RGBA", layer.size, "white")
    sheet.alpha_composite(layer)
    return sheet.convert("RGB")


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _kitty(image: Image.Image) -> str:
    """https://sw.kovidgoyal.net/kitty/graphics-protocol/: base64 in parts of at most 4096 bytes."""
    data = base64.standard_b64encode(_png(image)).decode()
    parts = [data[start : start + _KITTY_CHUNK] for start in range(0, len(data), _KITTY_CHUNK)]
    # q=2: no replies, which would end up as input of the shell.
    keys = [f"a=T,f=100,q=2,r={ROWS},"] + [""] * (len(parts) - 1)
    more = [1] * (len(parts) - 1) + [0]
    return "".join(f"\x1b_G{key}m={m};{part}\x1b\\" for key, m, part in zip(keys, more, parts, strict=True))


def _iterm(image: Image.Image) -> str:
    """https://iterm2.com/documentation-images.html"""
    data = _png(image)
    encoded = base64.standard_b64encode(data).decode()
    return f"\x1b]1337;File=inline=1;size={len(data)};height={ROWS};preserveAspectRatio=1:{encoded}\a"


def _sixel(image: Image.Image) -> str:
    """Bands of six rows; in each, every colour draws its own pixels over the previous ones."""
    few = image.quantize(_SIXEL_COLOURS, dither=Image.Dither.FLOYDSTEINBERG)
    indices = np.asarray(few)
    palette = np.array(few.getpalette(), dtype=np.uint16).reshape(-1, 3) * 100 // 255
    colours = "".join(f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(palette.tolist()))
    bands = "-".join(_band(indices[top : top + 6]) for top in range(0, few.height, 6))
    return f'\x1bP0;1;0q"1;1;{few.width};{few.height}{colours}{bands}\x1b\\'


def _band(rows: np.ndarray) -> str:
    bits = (1 << np.arange(len(rows)))[:, None]
    layers = [
        f"#{colour}" + _packed(((rows == colour) * bits).sum(axis=0).tolist())
        for colour in np.unique(rows).tolist()
    ]
    return "$".join(layers)


def _packed(columns: list[int]) -> str:
    """Run-length encode columns as characters starting at `?`."""
    found, start = [], 0
    for end in range(1, len(columns) + 1):
        if end == len(columns) or columns[end] != columns[start]:
            char, count = chr(63 + columns[start]), end - start
            found.append(f"!{count}{char}" if count > 3 else char * count)
            start = end
    return "".join(found)


_RENDERERS: dict[str, Callable[[Image.Image], str]] = {"kitty": _kitty, "iterm": _iterm, "sixel": _sixel}
