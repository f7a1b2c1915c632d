from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from model.pictures.formats import FORMATS
from model.pictures.images import Caps, decode
from model.pictures.sniff import declared_size, picture_format
from tests.kit.pictures import (
    BLUE,
    RED,
    encoded,
    jpeg,
    oriented,
    photo,
    profile_with_red_and_blue_swapped,
    refusal,
    scene,
)

SMALL = Caps(max_bytes=2000, max_pixels=5000, formats=frozenset({"PNG", "JPEG"}))


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
