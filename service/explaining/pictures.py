"""Explanations as pictures: the collage, and a drawing beside a photo with their matching parts."""

import io

from PIL import Image, ImageDraw, ImageFont

from model.local.explaining import Explanation, Part
from model.pictures.areas import WHOLE, Box

# White numbers on them can be read, and they show on paper as on photos; the page has the same.
COLOURS = ("#2f6fed", "#c9480a", "#267a37", "#d6336c", "#7048e8", "#0b7285", "#8a6d00", "#495057")
_COLLAGE = 448
_PANEL, _GAP, _EDGE, _LINE = 600, 90, 40, 44
_PAPER, _INK, _QUIET, _RIM = "#ffffff", "#1d1c1a", "#66625a", "#d3cfc5"
Pixels = tuple[float, float, float, float]


def collage(found: Explanation, photo: Image.Image, side: int = _COLLAGE) -> Image.Image:
    """The drawing rebuilt from the photo: each inked cell shows what it matches."""
    picture = Image.new("RGB", (side, side), _PAPER)
    for patch in found.patches:
        place = _inside(patch.sketch, found.sketch_area)
        left, top, right, bottom = (round(side * edge) for edge in _edges(place))
        seen = patch.photo.within()
        if right > left and bottom > top and seen.width > 0 and seen.height > 0:
            box = _pixels(seen, photo.width, photo.height)
            picture.paste(
                photo.resize((right - left, bottom - top), Image.Resampling.BICUBIC, box), (left, top)
            )
    return picture


def png(picture: Image.Image) -> bytes:
    held = io.BytesIO()
    picture.save(held, "PNG")
    return held.getvalue()


def figure(found: Explanation, sketch: Image.Image, photo: Image.Image) -> Image.Image:
    """The drawing and the photo side by side with their matching parts, what each adds, and the collage."""
    panels = [_panel(sketch), _panel(photo)]
    shown = max(panel.height for panel in panels)
    below = _EDGE + shown + _EDGE
    width = 2 * _EDGE + 2 * _PANEL + _GAP
    picture = Image.new("RGB", (width, below + _PANEL + _EDGE), _PAPER)
    draw = ImageDraw.Draw(picture)
    frames = []
    for left, panel in zip((_EDGE, _EDGE + _PANEL + _GAP), panels, strict=True):
        where = (left + (_PANEL - panel.width) // 2, _EDGE + (shown - panel.height) // 2)
        picture.paste(panel, where)
        frames.append(Box(*where, panel.width, panel.height))
        _outline(draw, frames[-1], WHOLE, _RIM, 1)
    # Whole layers, so that no box covers the number of another.
    for layer in (_boxes, _line, _badges):
        for number, part in reversed(list(enumerate(found.parts, 1))):
            layer(draw, frames, part, number)
    picture.paste(collage(found, photo, _PANEL), (_EDGE + _PANEL + _GAP, below))
    _outline(draw, Box(_EDGE + _PANEL + _GAP, below, _PANEL, _PANEL), WHOLE, _RIM, 1)
    _legend(draw, found, below)
    return picture


def share_of(part: Part, found: Explanation) -> float:
    """How much of what speaks for the photo a part is, from 0 to 1."""
    total = sum(max(one.contribution, 0.0) for one in found.parts)
    return max(part.contribution, 0.0) / total if total > 0 else 0.0


def _panel(image: Image.Image) -> Image.Image:
    """The picture as large as fits."""
    scale = _PANEL / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    image = image.resize(size, Image.Resampling.LANCZOS)
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", size, _PAPER)
    white.paste(image, mask=image)
    return white


def _boxes(draw: ImageDraw.ImageDraw, frames: list[Box], part: Part, number: int) -> None:
    for frame, box in zip(frames, (part.sketch, part.photo), strict=True):
        _outline(draw, frame, box, _PAPER, 8, beyond=1.5)
        _outline(draw, frame, box, _colour(number), 5)


def _line(draw: ImageDraw.ImageDraw, frames: list[Box], part: Part, number: int) -> None:
    draw.line([*_ends(frames, part)], fill=_PAPER, width=7)
    draw.line([*_ends(frames, part)], fill=_colour(number), width=3)


def _badges(draw: ImageDraw.ImageDraw, frames: list[Box], part: Part, number: int) -> None:
    for end in _ends(frames, part):
        _badge(draw, end, str(number), _colour(number))


def _ends(frames: list[Box], part: Part) -> list[tuple[float, float]]:
    return [frame.outside(box).centre for frame, box in zip(frames, (part.sketch, part.photo), strict=True)]


def _colour(number: int) -> str:
    return COLOURS[(number - 1) % len(COLOURS)]


def _outline(
    draw: ImageDraw.ImageDraw, frame: Box, box: Box, colour: str, width: int, *, beyond: float = 0
) -> None:
    left, top, right, bottom = _edges(frame.outside(box))
    edges = (left - beyond, top - beyond, max(left, right) + beyond, max(top, bottom) + beyond)
    draw.rounded_rectangle(edges, 6, outline=colour, width=width)


def _badge(draw: ImageDraw.ImageDraw, centre: tuple[float, float], text: str, colour: str) -> None:
    x, y = centre
    draw.ellipse((x - 17, y - 17, x + 17, y + 17), fill=colour, outline=_PAPER, width=3)
    draw.text((x, y), text, fill=_PAPER, font=ImageFont.load_default(20), anchor="mm")


def _legend(draw: ImageDraw.ImageDraw, found: Explanation, top: float) -> None:
    large, small = ImageFont.load_default(30), ImageFont.load_default(21)
    draw.text((_EDGE, top), "Why this photo?", fill=_INK, font=large)
    draw.text((_EDGE, top + 42), f"Score of the parts: {found.score:.3f}", fill=_QUIET, font=small)
    for number, part in enumerate(found.parts, 1):
        y = top + 110 + (number - 1) * _LINE
        _badge(draw, (_EDGE + 18, y), str(number), _colour(number))
        draw.text((_EDGE + 48, y), f"{share_of(part, found):4.0%}", fill=_INK, font=small, anchor="lm")
        words = f"{part.sketch_place} of the drawing: {part.photo_place} of the photo"
        draw.text((_EDGE + 110, y), words, fill=_INK, font=small, anchor="lm")
    caption = "Right: the drawing, rebuilt from what matches it in the photo"
    draw.text((_EDGE, top + _PANEL), caption, fill=_QUIET, font=small, anchor="ls")


def _inside(box: Box, area: Box) -> Box:
    """A box of the whole picture as one of an area of it."""
    moved = Box(box.x - area.x, box.y - area.y, box.width, box.height)
    return moved.scaled(area.width, area.height)


def _edges(box: Box) -> Pixels:
    return box.x, box.y, box.x + box.width, box.y + box.height


def _pixels(box: Box, width: int, height: int) -> Pixels:
    left, top, right, bottom = _edges(box)
    return left * width, top * height, min(right * width, width), min(bottom * height, height)
