"""Pictures in terminals: who can show them, and that what is written shows what was there."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from service.console.terminal import CHOICES, ROWS, chosen, detect, render


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def photo() -> Image.Image:
    """Noise below a red bar: large enough to be sent in parts."""
    pixels = np.random.default_rng(1).integers(0, 256, (400, 600, 3), dtype=np.uint8)
    pixels[:100] = (255, 0, 0)
    return Image.fromarray(pixels)


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm"),
        ({"TERM": "foot"}, "sixel"),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230800"}, "sixel"),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "211200"}, "none"),
        ({"TERM": "xterm-256color", "WT_SESSION": "x"}, "sixel"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "vscode"}, "none"),
        ({"TERM": "xterm-256color"}, "none"),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/x", "KITTY_WINDOW_ID": "1"}, "none"),
        ({}, "none"),
    ],
)
def test_what_a_terminal_can(environment: dict[str, str], kind: str) -> None:
    assert detect(Screen(), environment) == kind
    assert detect(io.StringIO(), environment) == "none"


def test_what_is_asked_for_goes_before_what_is_found() -> None:
    assert [chosen(name, io.StringIO()) for name in CHOICES] == ["none", "kitty", "iterm", "sixel", "none"]


def shown(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    assert image.height == ROWS * 20
    return image


def is_the_photo(image: Image.Image) -> bool:
    """A red bar above, grey noise below, as wide as it was."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    top, rest = pixels[: image.height // 5].mean((0, 1)), pixels[image.height // 3 :].mean((0, 1))
    return bool(
        image.size == (180, 120) and (abs(top - (255, 0, 0)) < 8).all() and (abs(rest - 127) < 12).all()
    )


def test_kitty_gets_parts_that_it_can_join(photo: Image.Image) -> None:
    text = render(photo, "kitty")
    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
    assert len(parts) > 3
    assert all(len(data) <= 4096 for _, data in parts)
    assert all(len(data) % 4 == 0 for _, data in parts)
    assert [keys[-3:] for keys, _ in parts] == [*["m=1"] * (len(parts) - 1), "m=0"]
    assert "a=T" in parts[0][0]
    assert is_the_photo(shown(base64.b64decode("".join(data for _, data in parts))))


def test_iterm_gets_a_file_of_the_size_said(photo: Image.Image) -> None:
    found = re.fullmatch(
        r"\x1b\]1337;File=inline=1;size=(\d+);height=6;[^:]*:(.*)\a\n", render(photo, "iterm")
    )
    assert found
    data = base64.b64decode(found[2])
    assert len(data) == int(found[1])
    assert is_the_photo(shown(data))


def read_sixel(text: str) -> Image.Image:
    """A reader of its own, by the book: colours, repeats, `$` to the start of the band, `-` to the next."""
    found = re.fullmatch(r'\x1bP0;1;0q"1;1;(\d+);(\d+)(.*)\x1b\\\n', text, re.DOTALL)
    assert found
    width, height = int(found[1]), int(found[2])
    sheet, colours = Image.new("RGB", (width, height)), {}
    pixels, colour, x, y = sheet.load(), 0, 0, 0
    assert pixels is not None
    for defined, chosen_one, count, char, move in re.findall(
        r"#(\d+;2;\d+;\d+;\d+)|#(\d+)|(?:!(\d+))?([?-~])|([$-])", found[3]
    ):
        if defined:
            number, _, *rgb = map(int, defined.split(";"))
            colours[number] = tuple(round(part * 2.55) for part in rgb)
        elif chosen_one:
            colour = int(chosen_one)
        elif move:
            x, y = 0, y + 6 * (move == "-")
        else:
            start, x = x, x + int(count or 1)
            lit = [bit for bit in range(6) if (ord(char) - 63) >> bit & 1]
            for column in range(start, x):
                for bit in lit:
                    pixels[column, y + bit] = colours[colour]
    return sheet


def test_sixels_show_the_photo(photo: Image.Image) -> None:
    text = render(photo, "sixel")
    assert is_the_photo(read_sixel(text))
    flat = render(Image.new("RGB", (120, 119), "blue"), "sixel")
    assert read_sixel(flat).getcolors() == [(120 * 119, (0, 0, 255))]
    assert len(flat) < 5000


def test_transparent_and_grey_pictures_and_none() -> None:
    clear = Image.new("RGBA", (60, 60), (0, 0, 0, 0))
    assert read_sixel(render(clear, "sixel")).getpixel((0, 0)) == (255, 255, 255)
    assert read_sixel(render(Image.new("L", (60, 60), 0), "sixel")).getpixel((5, 5)) == (0, 0, 0)
    assert render(clear, "none") == ""
