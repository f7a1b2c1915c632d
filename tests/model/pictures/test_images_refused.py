"""What is no picture, too large a picture, or no longer one: refused in one line, whatever it is."""

from __future__ import annotations

import os
import random
import stat
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from model.errors import BadImage, Unreadable
from model.pictures.formats import FORMATS
from model.pictures.images import PHOTO_CAPS, SKETCH_CAPS, Caps, decode
from tests.kit.pictures import (
    bomb_png,
    encoded,
    jpeg,
    oriented,
    photo,
    profile_with_red_and_blue_swapped,
    refusal,
    scene,
    truncated,
)

SMALL = Caps(max_bytes=2000, max_pixels=5000, formats=frozenset({"PNG", "JPEG"}))


class TestCaps:
    def test_a_bomb_is_refused_from_its_header(self) -> None:
        # Nothing but the header is there to look at.
        assert refusal(bomb_png()[:40]) == "30000 x 30000 is 900 megapixels; the limit is 200"

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF"])
    def test_the_pixel_cap_holds_for_every_format(self, kind: str) -> None:
        caps = Caps(max_bytes=10**6, max_pixels=120 * 80 - 1, formats=FORMATS)
        assert refusal(encoded(scene(), kind), caps=caps).startswith(
            "120 x 80 is 0.0096 megapixels; the limit"
        )
        allowed = Caps(max_bytes=10**6, max_pixels=120 * 80, formats=FORMATS)
        assert decode(encoded(scene(), kind), caps=allowed).width == 120

    @pytest.mark.parametrize("side", [16_000, 60_000])
    def test_a_tiff_that_only_the_decoder_can_measure(self, side: int) -> None:
        data = bytearray(encoded(Image.new("1", (64, 64)), "TIFF"))
        start = struct.unpack_from("<I", data, 4)[0]
        for entry in range(struct.unpack_from("<H", data, start)[0]):
            at = start + 2 + 12 * entry
            if struct.unpack_from("<H", data, at)[0] in (256, 257):
                struct.pack_into("<HII", data, at + 2, 4, 1, side)
        assert "megapixels" in refusal(bytes(data))

    def test_a_sketch_may_be_no_poster(self) -> None:
        assert SKETCH_CAPS.max_pixels < 6000 * 6000 <= PHOTO_CAPS.max_pixels
        poster = bomb_png(6000, 6000)
        assert refusal(poster, caps=SKETCH_CAPS) == "6000 x 6000 is 36 megapixels; the limit is 25"
        assert decode(poster, shortest=100).image.size == (200, 200)

    def test_the_byte_cap_holds_for_bytes_and_for_files(self, tmp_path: Path) -> None:
        path = tmp_path / "large.png"
        path.write_bytes(b"\x89PNG" + bytes(3000))
        for source in (path, path.read_bytes()):
            assert refusal(source, caps=SMALL).startswith("the file has 0.0 MiB; the limit is")

    def test_a_huge_sparse_file_is_never_read(self, tmp_path: Path) -> None:
        path = tmp_path / "sparse.jpg"
        with path.open("wb") as file:
            file.truncate(40 * 2**30)
        assert refusal(path) == "the file has 40960.0 MiB; the limit is 256 MiB"


class TestWhatIsNoPicture:
    @pytest.mark.parametrize(
        ("data", "part"),
        [
            (b"", "it is empty (0 bytes)"),
            (b"Dear diary,\nnothing happened.", "it starts with text"),
            ("Grüße".encode() * 100, "it starts with text"),
            (b"<!DOCTYPE html><html></html>", "it is a web page"),
            (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing; export it"),
            (b"%PDF-1.7\n%\xe2\xe3", "PDF document; export the page"),
            (b"PK\x03\x04rest", "ZIP archive"),
            (b"8BPS\x00\x01", "Photoshop document"),
            (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2", "a video"),
            (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
            (b"\x00\x01\x02\x03\xfe\xff" * 20, "it does not begin like any of AVIF, BMP"),
            (bytes(500), "it does not begin like any of"),
        ],
    )
    def test_it_says_what_it_is_instead(self, data: bytes, part: str) -> None:
        line = refusal(data)
        assert line.startswith("not a picture")
        assert part in line

    @pytest.mark.parametrize("kind", sorted(FORMATS))
    def test_a_bare_magic_number_is_a_damaged_picture(self, kind: str) -> None:
        assert kind in refusal(encoded(scene(), kind)[:32])

    def test_half_a_jpeg_says_how_far_it_came(self) -> None:
        line = refusal(truncated(jpeg(quality=90), 0.5))
        share = int(line.removeprefix("the JPEG is cut off after about ").split(" %")[0])
        assert 25 <= share <= 75
        assert line.endswith("the file is incomplete, copy it again")

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "TIFF", "BMP", "GIF"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
    def test_a_truncated_file_is_never_half_shown(self, kind: str, share: float) -> None:
        assert kind in refusal(truncated(encoded(photo(200, 150), kind), share))

    def test_no_message_quotes_an_object_or_an_exception_type(self) -> None:
        for kind in sorted(FORMATS):
            data = encoded(scene(), kind)
            for line in (refusal(data[:40]), refusal(truncated(data, 0.6))):
                assert " object at " not in line
                assert "Error" not in line

    def test_a_text_chunk_that_unpacks_without_end(self) -> None:
        content = b"zTXt" + b"k\x00\x00" + zlib.compress(bytes(80 * 2**20))
        chunk = struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))
        data = encoded(scene(), "PNG")
        line = refusal(data[:33] + chunk + data[33:])
        assert line.startswith("the PNG is damaged")


class TestFiles:
    def test_missing_folders_and_odd_files(self, tmp_path: Path) -> None:
        assert refusal(tmp_path) == "not a picture: it is a folder"
        assert refusal(tmp_path / "gone.jpg") == "there is no such file"
        assert refusal(tmp_path / "nul\x00.jpg") == "it cannot be read: its name is not valid"
        pipe = tmp_path / "pipe.jpg"
        os.mkfifo(pipe)
        assert refusal(pipe) == "not a picture: it is not a regular file"
        loop = tmp_path / "loop.jpg"
        loop.symlink_to(loop)
        assert refusal(loop).startswith("it cannot be read: ")

    def test_without_permission(self, tmp_path: Path) -> None:
        path = tmp_path / "private.jpg"
        path.write_bytes(jpeg(20, 20))
        path.chmod(0)
        root = os.geteuid() == 0
        if root:
            # Nothing is forbidden to root: read as somebody else for a moment.
            os.seteuid(65534)
        try:
            assert refusal(path) == "no permission to read it"
        finally:
            if root:
                os.seteuid(0)
            path.chmod(stat.S_IRUSR | stat.S_IWUSR)

    def test_no_message_names_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "secret-name.jpg"
        assert "secret" not in refusal(path)
        path.write_bytes(truncated(jpeg()))
        assert "secret" not in refusal(path)

    def test_no_file_stays_open(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(encoded(scene(), "PNG"))
        handles = Path("/proc/self/fd")
        if not handles.exists():
            pytest.skip("this system does not list a process's open files")
        before = len(list(handles.iterdir()))
        kept = [decode(path) for _ in range(20)]
        assert len(list(handles.iterdir())) - before < len(kept)


def test_many_threads_decode_alike() -> None:
    files = [oriented(tag, kind) for tag in range(1, 9) for kind in ("JPEG", "HEIF", "AVIF", "PNG")]
    files += [truncated(jpeg(), 0.4), bomb_png(20_000, 20_000)] * 8
    swapped = profile_with_red_and_blue_swapped()
    files += [encoded(scene(), "PNG", icc_profile=swapped)] * 8

    def outcome(data: bytes) -> bytes | str:
        try:
            return decode(data).image.tobytes()
        except BadImage as error:
            return str(error)

    alone = [outcome(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(outcome, files)) == alone


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF", "BMP"])
def test_mutated_files_are_read_or_refused_and_nothing_else(kind: str) -> None:
    """Some hundreds of damaged files: flipped, cut, doubled, with lengths and sizes overwritten."""
    dice = random.Random(kind)
    caps = Caps(max_bytes=10**6, max_pixels=4_000_000, formats=FORMATS)
    exif = oriented(6, kind, width=48, height=32)
    alpha = encoded(scene(48, 32).convert("RGB" if kind in ("JPEG", "BMP") else "RGBA"), kind)
    outcomes = {True: 0, False: 0}
    for round_ in range(120):
        data = mutated(exif if round_ % 2 else alpha, dice)
        try:
            found = decode(data, caps=caps, shortest=dice.choice([None, 8]), keep_alpha=True)
        except BadImage:
            outcomes[False] += 1
        else:
            assert found.image.mode in ("RGB", "RGBA")
            assert found.width * found.height <= caps.max_pixels
            outcomes[True] += 1
    assert outcomes[False] > 10


def mutated(data: bytes, dice: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(dice.randint(1, 6)):
        at = dice.randrange(len(changed))
        action = dice.randrange(5)
        if action == 0:
            changed[at] ^= 1 << dice.randrange(8)
        elif action == 1:
            changed[at : at + 4] = dice.choice([b"\xff" * 4, bytes(4), b"\x00\x00\xff\xff"])
        elif action == 2:
            del changed[at : at + dice.randint(1, 40)]
        elif action == 3:
            changed[at:at] = changed[at : at + dice.randint(1, 40)]
        elif len(changed) > 60:
            del changed[max(at, 50) :]
        if not changed:
            break
    return bytes(changed)


def test_random_bytes_behind_every_magic_number_are_refused() -> None:
    dice = random.Random(7)
    for kind in sorted(FORMATS):
        head = encoded(scene(48, 32), kind)[:24]
        for _ in range(10):
            with pytest.raises(BadImage):
                decode(head + dice.randbytes(400))


def one_tile_tiff(side: int) -> bytes:
    """A TIFF of 64 x 64 whose only tile claims side x side pixels."""
    packed = zlib.compress(bytes(side * 64))
    values = [(256, 64), (257, 64), (258, 8), (259, 8), (262, 1), (277, 1), (322, side), (323, side)]
    entries = [*values, (324, 8), (325, len(packed))]
    directory = struct.pack("<H", len(entries)) + b"".join(
        struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries
    )
    return b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed + directory + bytes(4)


def test_a_tile_larger_than_its_picture_counts() -> None:
    with pytest.raises(BadImage, match="1600 megapixels"):
        decode(one_tile_tiff(40_000), caps=SKETCH_CAPS)


def test_lack_of_memory_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise MemoryError

    data = encoded(photo().convert("L"), "JPEG")
    for step in ("convert", "load"):
        with monkeypatch.context() as patched:
            patched.setattr(Image.Image, step, refuse)
            with pytest.raises(Unreadable, match="not enough memory"):
                decode(data)


def test_a_missing_file_may_come_back(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="no such file"):
        decode(tmp_path / "gone.jpg")
