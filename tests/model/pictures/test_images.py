from __future__ import annotations

import os
import random
import stat
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from model.errors import BadImage, Unreadable
from model.pictures.formats import FORMATS
from model.pictures.images import PHOTO_CAPS, SKETCH_CAPS, Caps, decode
from model.pictures.sniff import declared_size, picture_format
from tests.kit.pictures import (
    BLUE,
    RED,
    bomb_png,
    encoded,
    jpeg,
    oriented,
    photo,
    scene,
    truncated,
)

SMALL = Caps(max_bytes=2000, max_pixels=5000, formats=frozenset({"PNG", "JPEG"}))


def refusal(source: bytes | Path, **options: object) -> str:
    with pytest.raises(BadImage) as caught:
        decode(source, **options)  # type: ignore[arg-type]
    line = str(caught.value)
    assert line
    assert "\n" not in line
    return line


def close(pixel: object, colour: tuple[int, ...], within: int = 12) -> bool:
    return bool(np.abs(np.subtract(pixel, colour)).max() <= within)  # type: ignore[call-overload]


class TestFormats:
    @pytest.mark.parametrize("kind", sorted(FORMATS))
    def test_each_format_is_told_by_its_content_alone(self, kind: str, tmp_path: Path) -> None:
        path = tmp_path / "holiday.txt"
        path.write_bytes(encoded(scene(), kind))
        found = decode(path)
        assert (found.format, found.width, found.height) == (kind, 120, 80)
        assert found.image.mode == "RGB"
        # A GIF's palette and the chroma of the lossy ones shift a little.
        assert close(found.image.getpixel((20, 15)), RED, 25)
        assert close(found.image.getpixel((100, 60)), BLUE, 25)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
    def test_the_header_tells_the_size_without_a_decoder(self, kind: str) -> None:
        data = encoded(scene(121, 83), kind)
        assert declared_size(data, kind) == (121, 83)
        assert declared_size(data[:14], kind) is None or kind == "GIF"

    @pytest.mark.parametrize(
        "options", [{"lossless": True}, {"exif": b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"}]
    )
    def test_all_three_webp_headers_are_understood(self, options: dict[str, object]) -> None:
        assert declared_size(encoded(scene(121, 83), "WEBP", **options), "WEBP") == (121, 83)

    def test_a_burst_of_two_pictures_counts_as_jpeg(self) -> None:
        data = encoded(scene(), "MPO", save_all=True, append_images=[scene()])
        found = decode(data, shortest=10)
        assert (found.format, found.image.mode) == ("JPEG", "RGB")
        assert found.image.size == (30, 20)

    def test_an_animation_gives_its_first_frame(self) -> None:
        frames = [Image.new("RGB", (30, 20), colour) for colour in (RED, BLUE)]
        for kind in ("GIF", "WEBP", "PNG"):
            data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
            assert close(decode(data).image.getpixel((5, 5)), RED)

    def test_a_neutral_brand_gives_way_to_the_codec_named_after_it(self) -> None:
        neutral = b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1avif"
        assert picture_format(neutral) == "AVIF"
        assert picture_format(neutral[:-4] + b"heic") == "HEIF"

    def test_a_format_that_the_caller_did_not_ask_for_is_refused(self) -> None:
        assert refusal(encoded(scene(20, 20), "GIF"), caps=SMALL) == (
            "GIF pictures are not accepted here; send one of JPEG, PNG"
        )


class TestOrientation:
    @pytest.mark.parametrize("tag", range(1, 9))
    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
    def test_every_turn_is_undone_exactly_once(self, kind: str, tag: int) -> None:
        found = decode(oriented(tag, kind))
        assert (found.width, found.height) == found.image.size == (120, 80)
        assert close(found.image.getpixel((20, 15)), RED, 25)
        for corner in ((100, 15), (20, 60), (100, 60)):
            assert close(found.image.getpixel(corner), BLUE, 25)

    @pytest.mark.parametrize("tag", [1, 6])
    def test_a_scaled_decode_still_reports_the_full_size_as_displayed(self, tag: int) -> None:
        found = decode(oriented(tag, width=1001, height=1000), shortest=60)
        assert (found.width, found.height) == (1001, 1000)
        assert min(found.image.size) == 125
        assert close(found.image.getpixel((20, 20)), RED)

    def test_a_heic_is_turned_by_its_container_alone(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        assert decode(encoded(scene(), "HEIF", exif=exif)).image.size == (120, 80)

    # As in the product, where model.pictures.images silences Pillow's remarks on metadata.
    @pytest.mark.filterwarnings("ignore::UserWarning:PIL")
    def test_broken_exif_costs_the_orientation_and_no_more(self) -> None:
        found = decode(encoded(scene(), "JPEG", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff"))
        assert found.image.size == (120, 80)


class TestScaledDecode:
    @pytest.mark.parametrize("shortest", [50, 150, 224, 299, 300, 600, 5000])
    def test_twice_the_wanted_side_is_left_where_the_photo_has_it(self, shortest: int) -> None:
        for kind in ("JPEG", "PNG"):
            found = decode(encoded(photo(800, 600), kind), shortest=shortest)
            assert min(found.image.size) >= min(2 * shortest, 600)
            assert (found.width, found.height) == (800, 600)

    def test_it_is_smaller_where_that_is_enough(self) -> None:
        assert decode(jpeg(1600, 1200), shortest=100).image.size == (400, 300)
        assert decode(encoded(photo(1600, 1200), "PNG"), shortest=100).image.size == (267, 200)

    def test_it_shows_the_same_picture(self) -> None:
        data = jpeg(1600, 1200, quality=95)
        small = decode(data, shortest=150).image.resize((100, 75))
        full = decode(data).image.resize((100, 75))
        assert np.abs(np.asarray(small, dtype=int) - np.asarray(full)).mean() < 4


class TestColours:
    def test_transparency_lies_over_white_or_is_kept(self) -> None:
        image = Image.new("RGBA", (10, 10), (0, 0, 0, 0))
        image.putpixel((5, 5), (*RED, 255))
        data = encoded(image, "PNG")
        assert decode(data).image.getpixel((0, 0)) == (255, 255, 255)
        kept = decode(data, keep_alpha=True).image
        assert (kept.mode, kept.getpixel((0, 0))) == ("RGBA", (0, 0, 0, 0))
        assert kept.getpixel((5, 5)) == (*RED, 255)

    def test_an_alpha_channel_that_hides_nothing_is_dropped(self) -> None:
        assert decode(encoded(scene().convert("RGBA"), "PNG"), keep_alpha=True).image.mode == "RGB"

    def test_a_palette_with_a_transparent_entry(self) -> None:
        image = Image.new("P", (10, 10), 1)
        image.putpalette([*RED, *BLUE])
        image.putpixel((5, 5), 0)
        for kind, transparency in (("PNG", b"\xff\x00"), ("PNG", 1), ("GIF", 1)):
            data = encoded(image, kind, transparency=transparency)
            assert decode(data).image.getpixel((0, 0)) == (255, 255, 255)
            assert decode(data).image.getpixel((5, 5)) == RED

    def test_grey_with_one_transparent_tone(self) -> None:
        image = Image.new("L", (10, 10), 7)
        image.putpixel((5, 5), 90)
        data = encoded(image, "PNG", transparency=7)
        assert decode(data).image.getpixel((0, 0)) == (255, 255, 255)
        assert decode(data, keep_alpha=True).image.getpixel((5, 5)) == (90, 90, 90, 255)

    def test_grey_with_alpha(self) -> None:
        data = encoded(Image.new("LA", (10, 10), (40, 0)), "PNG")
        assert decode(data).image.getpixel((0, 0)) == (255, 255, 255)

    def test_one_bit(self) -> None:
        image = Image.new("1", (10, 10), 1)
        image.putpixel((5, 5), 0)
        for kind in ("PNG", "TIFF", "BMP"):
            found = decode(encoded(image, kind)).image
            assert found.getpixel((5, 5)) == (0, 0, 0)
            assert found.getpixel((0, 0)) == (255, 255, 255)

    @pytest.mark.parametrize("kind", ["PNG", "TIFF"])
    def test_sixteen_bit_grey_is_scaled_not_clipped(self, kind: str) -> None:
        ramp = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
        found = np.asarray(decode(encoded(Image.fromarray(ramp), kind)).image)
        assert np.abs(found[:, :, 0].ravel().astype(int) - np.arange(256)).max() <= 1

    @pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.0, 255.0), (-3.0, 9000.5)])
    def test_floating_grey_is_scaled_by_its_range(self, low: float, high: float) -> None:
        ramp = np.linspace(low, high, 256, dtype=np.float32).reshape(16, 16)
        ramp[0, 0] = np.nan if low == 0 else low
        found = np.asarray(decode(encoded(Image.fromarray(ramp), "TIFF")).image)
        assert found[0, 0, 0] == 0
        assert found[-1, -1, 0] == 255
        assert np.abs(found[8, 0].astype(int) - 128).max() <= 1

    def test_cmyk_jpeg(self) -> None:
        data = encoded(scene().convert("CMYK"), "JPEG", quality=95)
        found = decode(data).image
        assert found.mode == "RGB"
        assert close(found.getpixel((20, 15)), RED, 20)
        assert close(found.getpixel((100, 60)), BLUE, 20)

    def test_the_profile_is_applied(self) -> None:
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
        swapped = profile_with_red_and_blue_swapped()
        found = decode(encoded(scene(), "PNG", icc_profile=swapped)).image
        red, _, blue = found.getpixel((20, 15))  # type: ignore[misc]
        assert blue > 150 > red
        plain = decode(encoded(scene(), "PNG", icc_profile=lab)).image
        assert plain.getpixel((20, 15)) == RED

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
    @pytest.mark.parametrize("profile", [b"garbage", b"\x00" * 200])
    def test_a_broken_profile_is_ignored(self, kind: str, profile: bytes) -> None:
        data = encoded(scene(), kind, icc_profile=profile)
        assert close(decode(data).image.getpixel((20, 15)), RED, 25)

    @pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK"])
    def test_a_profile_of_another_colour_space_is_ignored(self, mode: str) -> None:
        data = encoded(scene().convert(mode), "TIFF", icc_profile=profile_with_red_and_blue_swapped())
        assert decode(data).image.mode == "RGB"

    def test_metadata_stays_behind(self) -> None:
        secret = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x00\x00"
        found = decode(encoded(scene(), "JPEG", exif=secret, comment=b"home", dpi=(72, 72))).image
        assert type(found) is Image.Image
        assert found.info == {}
        assert not found.getexif()


def profile_with_red_and_blue_swapped() -> bytes:
    """sRGB's profile with the two primaries exchanged: what is red on paper is blue in truth."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    entries = {}
    for at in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12):
        entries[bytes(profile[at : at + 4])] = at
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Swap".encode("utf-16-be"))


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
            (b"\x00\x01\x02\x03\xfe\xff" * 20, "it begins like none of AVIF, BMP"),
            (bytes(500), "it begins like none of"),
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
        share = int(line.removeprefix("the JPEG breaks off after about ").split(" %")[0])
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
        assert refusal(tmp_path / "nul\x00.jpg") == "it cannot be read: its name is impossible"
        pipe = tmp_path / "pipe.jpg"
        os.mkfifo(pipe)
        assert refusal(pipe) == "not a picture: it is no regular file"
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
