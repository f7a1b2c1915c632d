"""How a model's pictures are prepared: stored in its card, followed by everything that prepares pictures.

The defaults are those of version 0.1. The fingerprint of a model covers the preprocessing exactly as its card
states it, so `described` omits what 0.1 had no name for, unless it differs from the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from model.errors import BadWeights
from model.registry import UnknownName

Triple = tuple[float, float, float]

FILTERS: Final = ("bicubic", "bilinear", "box", "hamming", "lanczos")
FITS: Final = ("squash", "shortest", "longest")


@dataclass(frozen=True)
class Preprocessing:
    """Drawings are tidied to dark ink on a white square, photos are fitted into a square; both are then scaled."""

    # Increased whenever the procedure changes, not just a constant.
    tidy: int = 1
    # How much colour counts as darkness: 0 is plain luminance (yellow vanishes), 1 makes every colour black.
    colour_as_ink: float = 0.5
    # This share of a drawing is paper, give or take `near` grey levels; under even light, where the border shows
    # it, solid shapes may leave as little as `least_paper`.
    paper_share: float = 0.75
    least_paper: float = 0.3
    near: int = 24
    # A sheet whose hue varies more than this is not paper (a meadow, a sky); nor is one with this share of the picture
    # lighter than itself, or one as rough as this (a wall, the sea). Then it is a photograph.
    hue_spread: float = 6.0
    lighter_share: float = 0.02
    most_noise: int = 20
    # Margin around the ink, as a share of its longer side.
    margin: float = 0.10
    # A dot stays a dot: at least this share of the sheet's longer side is shown, or this many pixels if that is less.
    least_crop: tuple[float, int] = (0.125, 96)
    # Drawings are analysed at up to twice this many pixels per side, and passed on at about this many.
    working_side: int = 400
    # Faint drawings are amplified until this share of their ink is black, at most by this factor.
    black_share: float = 0.02
    most_gain: float = 8.0
    # How much thin strokes are darkened for each halving of the size; without shrinking, nothing is darkened.
    thin: float = 0.33
    # How much a drawing is blurred when enlarging turns one of its pixels into several.
    soft: float = 0.35
    # Strokes on a transparent sheet, sampled at this many pixels per side, count as light if fewer than this share
    # of them is darker than pastel.
    sample_side: int = 256
    dark_share: float = 0.02
    pastel: int = 176
    # A sheet with at most this noise, of 255 grey levels, was drawn digitally, not photographed.
    clean: int = 4
    # How black a pixel must be to belong to the drawing's extent: on a clean sheet, more for each grey level of
    # noise, and at most. And how many such pixels together are more than a speck.
    ink: tuple[int, int, int] = (16, 8, 64)
    speck: int = 12
    # Photos: squashed to the square, or as open_clip names it by their shortest side, the rest cut off, or by
    # their longest, the rest filled.
    photo: str = "squash"
    photo_filter: str = "bicubic"
    # Pillow's: first reduce quickly if the picture is at least this many times too large; None: never.
    reducing_gap: float | None = 2.0
    # The share of the shortest side that is kept (timm's crop_pct), and the grey to fill with.
    crop_share: float = 1.0
    fill: int = 0
    # What the image tower subtracts from its pixels, which range from 0 to 1 here, and divides them by.
    mean: Triple = (0.5, 0.5, 0.5)
    std: Triple = (0.5, 0.5, 0.5)

    @classmethod
    def parse(cls, given: Mapping[str, Any], where: str = "preprocessing") -> Preprocessing:
        """Validate what a card says; missing fields get the default. `where` says whose card it is."""
        for key in given:
            if key not in _KNOWN:
                raise UnknownName(f"{where}: unknown preprocessing {key!r}; known: {', '.join(_KNOWN)}")
        return cls(**{key: _KNOWN[key](f"{where}: preprocessing {key}", given[key]) for key in given})

    def described(self) -> dict[str, Any]:
        """The form that a card stores and `parse` reads."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}
        return {
            key: value
            for key, value in plain.items()
            if key not in _SINCE_0_2 or values[key] != getattr(STANDARD, key)
        }


_Check = Callable[[str, Any], Any]
_SINCE_0_2 = ("crop_share", "fill", "mean", "std")


def _number(low: float, high: float) -> _Check:
    def check(what: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
            raise BadWeights(f"{what} is {value!r}; give a number from {low:g} to {high:g}")
        return value

    return check


def _whole(low: int, high: int) -> _Check:
    def check(what: str, value: Any) -> int:
        if type(value) is not int or not low <= value <= high:
            raise BadWeights(f"{what} is {value!r}; give a whole number from {low} to {high}")
        return value

    return check


def _one_of(*known: object) -> _Check:
    def check(what: str, value: Any) -> Any:
        if value not in known or isinstance(value, bool):
            raise UnknownName(f"{what}: unknown value {value!r}; known: {', '.join(map(str, known))}")
        return value

    return check


def _several(*parts: _Check) -> _Check:
    def check(what: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)) or len(value) != len(parts):
            raise BadWeights(f"{what} is {value!r}; give a list of {len(parts)} numbers")
        return tuple(part(what, each) for part, each in zip(parts, value, strict=True))

    return check


def _gap(what: str, value: Any) -> float | None:
    found: float | None = None if value is None else _number(1, 64)(what, value)
    return found


_SHARE, _GREY, _SIDE = _number(0, 1), _whole(0, 255), _whole(16, 4096)
_KNOWN: Mapping[str, _Check] = MappingProxyType(
    {
        "tidy": _one_of(1),
        "colour_as_ink": _SHARE,
        "paper_share": _SHARE,
        "least_paper": _SHARE,
        "near": _GREY,
        "hue_spread": _number(0, 255),
        "lighter_share": _SHARE,
        "most_noise": _GREY,
        "margin": _number(0, 4),
        "least_crop": _several(_SHARE, _SIDE),
        "working_side": _SIDE,
        "black_share": _SHARE,
        "most_gain": _number(1, 255),
        "thin": _number(0, 16),
        "soft": _number(0, 16),
        "sample_side": _SIDE,
        "dark_share": _SHARE,
        "pastel": _whole(1, 255),
        "clean": _GREY,
        "ink": _several(_GREY, _GREY, _GREY),
        "speck": _whole(1, 576),
        "photo": _one_of(*FITS),
        "photo_filter": _one_of(*FILTERS),
        "reducing_gap": _gap,
        # Photos are decoded at twice the tower's size or more: showing less than half of one would blur it.
        "crop_share": _number(0.5, 1),
        "fill": _GREY,
        "mean": _several(_SHARE, _SHARE, _SHARE),
        "std": _several(*[_number(0.001, 255)] * 3),
    }
)
# What models used before their cards could say otherwise.
STANDARD = Preprocessing()
