"""Pictures as an attacker or a failing disk makes them: mutated, lying, endless, and two things at once."""

import os
import random
from collections.abc import Callable, Iterator

from PIL import Image

from tests.kit.pictures import bomb_png, encoded
from tests.kit.shapes import drawing

KINDS = ("PNG", "JPEG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF")
Mutate = Callable[[random.Random, bytes, bytes], bytes]


def thorough(quick: int, long: int) -> int:
    """How much of something endless a test does; SKETCHSEEK_THOROUGH=1 is for nights."""
    return long if os.environ.get("SKETCHSEEK_THOROUGH") else quick


def progressive(side: int, scans: int) -> bytes:
    """A white JPEG whose last scan comes again and again: a few dozen bytes each, and the whole picture's work."""
    data = encoded(Image.new("RGB", (side, side), "white"), "JPEG", progressive=True, quality=50)
    last = data[data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda")) : -2]
    return data[:-2] + last * scans + data[-2:]


def claiming(data: bytes, width: int, height: int) -> bytes:
    """An AVIF or HEIC whose container says another size than its picture has."""
    lied, at = bytearray(data), -1
    while (at := data.find(b"ispe", at + 1)) >= 0:
        lied[at + 8 : at + 16] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    assert lied != data
    return bytes(lied)


def bad_uploads(count: int, seed: int = 0) -> Iterator[bytes]:
    """Endlessly many kinds of wrong; the same ones for the same seed. Some can be decoded all the same."""
    chance = random.Random(seed)
    whole = [encoded(drawing("fish", size=160), kind) for kind in KINDS]
    bombs = [bomb_png(), progressive(1200, 400), *(claiming(data, 9999, 9999) for data in whole[3:5])]
    for number in range(count):
        if number % 50 == 0:
            yield bombs[number // 50 % len(bombs)]
            continue
        mutate = chance.choice(_MUTATIONS)
        yield mutate(chance, chance.choice(whole), chance.choice(whole))


def _flip(chance: random.Random, data: bytes, _: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 40)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _flip_head(chance: random.Random, data: bytes, _: bytes) -> bytes:
    head = bytearray(data[:64])
    for _ in range(chance.randrange(1, 6)):
        head[chance.randrange(4, len(head))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)))
    return bytes(head) + data[64:]


def _cut(chance: random.Random, data: bytes, _: bytes) -> bytes:
    return data[: chance.randrange(len(data))]


def _hole(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randrange(1, 200) :]


def _repeat(chance: random.Random, data: bytes, _: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start : start + 100] * chance.randrange(2, 200) + data[start:]


def _splice(chance: random.Random, data: bytes, other: bytes) -> bytes:
    return data[: chance.randrange(len(data))] + other[chance.randrange(len(other)) :]


def _polyglot(chance: random.Random, data: bytes, other: bytes) -> bytes:
    script = b"<html><script>alert(1)</script><?php system($_GET[0]); ?>"
    return chance.choice((data + script, script + data, data + b"PK\x03\x04" + other, b"GIF89a=1;" + script))


def _noise(chance: random.Random, data: bytes, _: bytes) -> bytes:
    return data[: chance.choice((4, 12, 32))] + chance.randbytes(chance.randrange(2000))


_MUTATIONS: tuple[Mutate, ...] = (_flip, _flip_head, _cut, _hole, _repeat, _splice, _polyglot, _noise)
