from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageOps

from model.errors import BadImage, EmptyDrawing
from model.pictures import paper
from model.pictures.preprocess import SETTINGS, photo_pixels, sketch_pixels, tidy_sketch
from model.pictures.preprocessing import STANDARD
from tests.kit.pictures import line_drawing, photo, scene
from tests.kit.shapes import THINGS, picture

CLEAR = (0, 0, 0, 0)


def reference(size: int = 224) -> NDArray[np.uint8]:
    return sketch_pixels(line_drawing(), size)


def box_of_ink(pixels: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(pixels[:, :, 0] < 128)
    return int(columns.min()), int(rows.min()), int(columns.max()), int(rows.max())


def same_drawing(pixels: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> bool:
    """Whether nearly all ink of each lies within two pixels of the other's."""
    masks = [image[:, :, 0] < 128 for image in (pixels, wanted)]
    return all(
        a.any() and np.logical_and(a, _fattened(b)).sum() >= 0.97 * a.sum() for a, b in (masks, masks[::-1])
    )


def _fattened(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    padded = np.pad(mask, 2)
    height, width = mask.shape
    fat = np.zeros_like(mask)
    for y in range(5):
        for x in range(5):
            fat |= padded[y : y + height, x : x + width]
    return fat


class TestShape:
    @pytest.mark.parametrize("size", [176, 224, 260])
    @pytest.mark.parametrize("sheet", [(512, 512), (900, 300), (40, 1200), (2500, 1900), (17, 23)])
    def test_pixels_are_a_square_of_three_equal_channels(self, sheet: tuple[int, int], size: int) -> None:
        image = Image.new("RGB", sheet, "white")
        ImageDraw.Draw(image).line((2, 2, sheet[0] - 3, sheet[1] - 3), fill="black", width=3)
        pixels = sketch_pixels(image, size)
        assert pixels.shape == (size, size, 3)
        assert pixels.dtype == np.uint8
        assert (pixels == pixels[:, :, :1]).all()
        assert pixels.min() < 60
        assert np.median(pixels) == 255

    def test_tidy_gives_the_square_that_the_tower_sees(self) -> None:
        tidy = tidy_sketch(line_drawing())
        assert tidy.mode == "RGB"
        assert tidy.width == tidy.height
        assert same_drawing(np.asarray(tidy.resize((224, 224))), reference())

    def test_the_ink_is_cropped_with_its_margin_and_keeps_its_aspect(self) -> None:
        image = Image.new("RGB", (800, 600), "white")
        ImageDraw.Draw(image).ellipse((500, 100, 700, 200), fill="black")
        left, top, right, bottom = box_of_ink(sketch_pixels(image, 240))
        margin = 240 * STANDARD.margin / (1 + 2 * STANDARD.margin)
        assert abs(left - margin) <= 3
        assert abs(240 - 1 - right - margin) <= 3
        assert abs((right - left) / (bottom - top) - 2) < 0.1
        assert abs((top + bottom) / 2 - 119.5) <= 2

    @pytest.mark.parametrize("corner", [(0, 0), (380, 0), (0, 380), (380, 380), (190, 150)])
    def test_where_on_the_sheet_it_was_drawn_does_not_matter(self, corner: tuple[int, int]) -> None:
        sheet = Image.new("RGB", (892, 892), "white")
        sheet.paste(line_drawing(), corner)
        assert same_drawing(sketch_pixels(sheet, 224), reference())

    def test_a_small_drawing_on_a_large_sheet_keeps_its_detail(self) -> None:
        sheet = Image.new("RGB", (4000, 3000), "white")
        sheet.paste(line_drawing(400, width=3), (3300, 100))
        assert same_drawing(sketch_pixels(sheet, 224), sketch_pixels(line_drawing(400, width=3), 224))

    def test_ink_up_to_the_edges_gets_its_margin_all_the_same(self) -> None:
        image = Image.new("RGB", (300, 300), "white")
        draw = ImageDraw.Draw(image)
        draw.line((0, 0, 299, 299), fill="black", width=5)
        draw.line((0, 299, 299, 0), fill="black", width=5)
        assert box_of_ink(sketch_pixels(image, 240))[0] >= 15


class TestInkAndPaper:
    @pytest.mark.parametrize(
        ("ink", "paper"),
        [
            ("black", "white"),
            ((150, 140, 130), (245, 235, 215)),
            ((20, 20, 20), (180, 140, 95)),
            ((235, 235, 235), (30, 50, 40)),
            ((40, 60, 255), "black"),
            ((255, 230, 0), "white"),
            ((255, 0, 0), "white"),
            ((120, 200, 255), "white"),
            ((200, 200, 200), "white"),
            ("white", (128, 128, 128)),
            ("black", (128, 128, 128)),
        ],
    )
    def test_any_ink_on_any_paper_becomes_dark_on_white(self, ink: object, paper: object) -> None:
        pixels = sketch_pixels(line_drawing(ink=ink, paper=paper), 224)
        assert same_drawing(pixels, reference())
        assert pixels[0, 0, 0] == 255

    @pytest.mark.parametrize(
        "ink", ["black", "white", (255, 230, 0, 255), (255, 0, 0, 255), (0, 0, 0, 90), (190, 220, 255, 255)]
    )
    def test_on_a_transparent_sheet_ink_is_what_is_there(self, ink: object) -> None:
        image = line_drawing(ink=ink, paper=CLEAR, mode="RGBA")
        assert same_drawing(sketch_pixels(image, 224), reference())

    def test_the_colour_under_full_transparency_does_not_count(self) -> None:
        image = line_drawing(ink=(255, 255, 255, 255), paper=(255, 255, 255, 0), mode="RGBA")
        assert same_drawing(sketch_pixels(image, 224), reference())

    def test_white_strokes_among_dark_ones_rub_out(self) -> None:
        image = line_drawing(ink=(0, 0, 0, 255), paper=CLEAR, mode="RGBA")
        ImageDraw.Draw(image).line((50, 480, 460, 480), fill="black", width=6)
        ImageDraw.Draw(image).line((40, 480, 470, 480), fill="white", width=30)
        assert same_drawing(sketch_pixels(image, 224), reference())

    def test_a_sheet_with_cut_corners_is_a_sheet(self) -> None:
        image = Image.new("RGBA", (512, 512), CLEAR)
        ImageDraw.Draw(image).rounded_rectangle((0, 0, 511, 511), 40, fill="white")
        image.alpha_composite(line_drawing(ink=(0, 0, 0, 255), paper=CLEAR, mode="RGBA"))
        assert same_drawing(sketch_pixels(image, 224), reference())

    def test_an_opaque_canvas_with_alpha_is_read_like_one_without(self) -> None:
        assert (sketch_pixels(line_drawing().convert("RGBA"), 224) == reference()).all()
        assert (sketch_pixels(line_drawing().convert("L"), 224) == reference()).all()

    def test_outlines_stay_visible_on_a_coloured_fill(self) -> None:
        image = Image.new("RGBA", (512, 512), CLEAR)
        ImageDraw.Draw(image).ellipse(
            (80, 80, 430, 430), fill=(255, 220, 0, 255), outline=(0, 0, 0, 255), width=8
        )
        pixels = sketch_pixels(image, 224)[:, :, 0]
        assert 30 < pixels[112, 112] < 200
        assert pixels[112].min() < pixels[112, 112] - 40

    @pytest.mark.parametrize("dark", [False, True])
    def test_uneven_light_on_the_sheet_is_taken_out(self, dark: bool) -> None:
        dice = np.random.default_rng(1)
        ink = 1 - np.asarray(line_drawing(width=5).convert("L")) / 255
        y, x = np.mgrid[0:512, 0:512] / 512
        light = 30 + 70 * x * y if dark else 120 + 110 * x * y
        drawn = light + (210 - light) * ink if dark else light * (1 - 0.7 * ink)
        noisy = (drawn + dice.normal(0, 4, drawn.shape)).clip(0, 255).astype(np.uint8)
        pixels = sketch_pixels(Image.fromarray(noisy).convert("RGB"), 224)
        assert same_drawing(pixels, reference())
        assert np.median(pixels) == 255

    @pytest.mark.parametrize("inverted", [False, True])
    def test_a_solid_shape_is_ink_whichever_way_round(self, inverted: bool) -> None:
        image = Image.new("L", (600, 400), 255)
        ImageDraw.Draw(image).ellipse((60, 40, 540, 360), fill=0)
        pixels = sketch_pixels(ImageOps.invert(image) if inverted else image, 224)
        assert pixels[112, 112, 0] == 0
        assert pixels[3, 3, 0] == 255


class TestStrokes:
    def test_hairlines_of_a_huge_drawing_do_not_vanish(self) -> None:
        image = Image.new("RGB", (4000, 3000), "white")
        draw = ImageDraw.Draw(image)
        draw.ellipse((200, 200, 3800, 2800), outline="black", width=1)
        draw.ellipse((1500, 900, 2500, 1900), outline="black", width=20)
        row = sketch_pixels(image, 224)[112, :, 0]
        assert row[:40].min() < 215
        assert row[60:110].min() < 60

    @pytest.mark.parametrize("side", [500, 1500, 4000])
    def test_a_drawing_of_hairlines_alone_is_black(self, side: int) -> None:
        pixels = sketch_pixels(line_drawing(side, width=1), 224)
        assert same_drawing(pixels, sketch_pixels(line_drawing(300, width=1), 224))

    def test_a_tiny_drawing_is_enlarged_smoothly(self) -> None:
        image = Image.new("RGB", (40, 40), "white")
        ImageDraw.Draw(image).ellipse((6, 6, 33, 33), outline="black")
        pixels = sketch_pixels(image, 224)[:, :, 0].astype(int)
        assert pixels.min() < 30
        assert np.abs(np.diff(pixels, axis=0)).max() < 140

    def test_dust_does_not_widen_the_crop(self) -> None:
        image = line_drawing()
        for x, y in ((3, 3), (500, 8), (7, 501), (255, 505)):
            ImageDraw.Draw(image).rectangle((x, y, x + 2, y + 1), fill=(90, 90, 90))
        assert same_drawing(sketch_pixels(image, 224), reference())

    def test_jpeg_noise_does_not_widen_the_crop(self) -> None:
        dice = np.random.default_rng(2)
        noisy = np.asarray(line_drawing(width=6).convert("L")).astype(int) + dice.normal(-6, 5, (512, 512))
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).convert("RGB")
        assert same_drawing(sketch_pixels(image, 224), reference())


class TestOddDrawings:
    @pytest.mark.parametrize("colour", ["white", "black", (128, 128, 128), (250, 240, 220)])
    @pytest.mark.parametrize("size", [1, 30, 512, 2000])
    def test_a_blank_sheet_is_empty(self, colour: object, size: int) -> None:
        with pytest.raises(EmptyDrawing, match="draw at least one line"):
            tidy_sketch(Image.new("RGB", (size, size), colour))  # type: ignore[arg-type]

    @pytest.mark.parametrize("colour", [CLEAR, (255, 255, 255, 0), (0, 0, 0, 3)])
    def test_a_transparent_sheet_is_empty(self, colour: tuple[int, int, int, int]) -> None:
        with pytest.raises(EmptyDrawing, match="draw at least one line"):
            sketch_pixels(Image.new("RGBA", (512, 512), colour), 224)

    def test_a_photographed_blank_sheet_is_empty(self) -> None:
        dice = np.random.default_rng(3)
        y, x = np.mgrid[0:400, 0:400] / 400
        sheet = (150 + 80 * x * y + dice.normal(0, 3, (400, 400))).astype(np.uint8)
        with pytest.raises(EmptyDrawing):
            tidy_sketch(Image.fromarray(sheet))

    def test_an_empty_drawing_is_a_bad_image_to_those_who_do_not_care(self) -> None:
        assert issubclass(EmptyDrawing, BadImage)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_a_dot_is_a_drawing_and_stays_a_dot(self, mode: str) -> None:
        image = Image.new(mode, (512, 512), "white" if mode == "RGB" else CLEAR)
        ImageDraw.Draw(image).ellipse((300, 100, 303, 103), fill="black")
        left, top, right, bottom = box_of_ink(sketch_pixels(image, 224))
        assert 4 <= right - left <= 40
        assert 4 <= bottom - top <= 40
        assert abs((left + right) / 2 - 112) < 8

    def test_a_single_pixel_is_a_drawing(self) -> None:
        image = Image.new("RGB", (64, 64), "white")
        image.putpixel((60, 2), (0, 0, 0))
        assert (sketch_pixels(image, 224) < 128).any()

    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
    @pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 3000), (3000, 1), (7, 900), (401, 799)])
    def test_no_shape_and_no_scribble_is_too_odd(self, size: tuple[int, int], mode: str) -> None:
        dice = np.random.default_rng(size[0])
        for share in (0.001, 0.05, 0.5, 1.0):
            ink = dice.random((size[1], size[0])) < share
            image = Image.new(mode, size, (0, 0, 0, 0) if mode == "RGBA" else "white")
            image.paste("black", mask=Image.fromarray(ink))
            try:
                pixels = sketch_pixels(image, 224)
            except EmptyDrawing:
                # Nothing drawn, or nothing left undrawn.
                assert not ink.any() or ink.all()
            else:
                assert pixels.shape == (224, 224, 3)

    @pytest.mark.parametrize("seed", range(3))
    def test_a_photograph_passes_whole_and_in_colour(self, seed: int) -> None:
        image = photo(640, 480, seed)
        padded = Image.new("RGB", (640, 640), "white")
        padded.paste(image, (0, 80))
        pixels = sketch_pixels(image, 224)
        wanted = np.asarray(padded.resize((224, 224), Image.Resampling.BICUBIC), dtype=int)
        assert np.abs(pixels - wanted).mean() < 3
        assert tidy_sketch(image).size == (640, 640)


class TestPhotos:
    @pytest.mark.parametrize("size", [(640, 480), (300, 1200), (5, 3), (3000, 2000)])
    def test_the_whole_photo_is_squashed_to_the_square(self, size: tuple[int, int]) -> None:
        pixels = photo_pixels(scene(*size), 224)
        assert pixels.shape == (224, 224, 3)
        assert pixels.dtype == np.uint8
        # Halves stay halves, whatever the aspect was; next to an edge, bicubic overshoots a little.
        assert np.abs(pixels[20, 20].astype(int) - (220, 30, 30)).max() < 25
        for row, column in ((20, 200), (200, 20), (200, 200)):
            assert np.abs(pixels[row, column].astype(int) - (30, 60, 200)).max() < 25

    def test_fine_patterns_do_not_alias(self) -> None:
        stripes = np.zeros((2000, 2000), dtype=np.uint8)
        stripes[:, ::2] = 255
        pixels = photo_pixels(Image.fromarray(stripes), 224)
        assert np.abs(pixels.astype(int) - 127).max() < 12


class TestSettings:
    def test_they_survive_the_card_and_name_the_policies(self) -> None:
        assert json.loads(json.dumps(dict(SETTINGS))) == dict(SETTINGS)
        assert {"tidy", "margin", "photo", "photo_filter"} <= set(SETTINGS)

    def test_nobody_changes_them_by_accident(self) -> None:
        with pytest.raises(TypeError):
            SETTINGS["margin"] = 0.5  # type: ignore[index]


def test_the_same_drawing_gives_the_same_pixels() -> None:
    image = line_drawing(700, ink=(200, 30, 90))
    assert (sketch_pixels(image, 224) == sketch_pixels(image.copy(), 224)).all()
    before = image.tobytes()
    tidy_sketch(image)
    assert image.tobytes() == before


@pytest.mark.parametrize("size", [300, 700, 1300])
def test_one_band_and_three_alike_are_the_same_drawing(size: int) -> None:
    grey = line_drawing(size).convert("L")
    coloured = grey.convert("RGB")
    wanted = sketch_pixels(coloured, 224)
    assert (sketch_pixels(grey, 224) == wanted).all()
    # A single pixel of another colour has it read in three bands.
    coloured.putpixel((1, 1), (255, 255, 254))
    assert np.abs(sketch_pixels(coloured, 224).astype(int) - wanted).max() <= 2


@pytest.mark.parametrize("size", [512, 2000, 5000])
def test_a_large_canvas_is_reduced_before_it_is_looked_at(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that tidying takes milliseconds, whatever the size; `python -m bench encode` says how many."""
    image = line_drawing(size, ink=(0, 0, 0, 255), paper=CLEAR, mode="RGBA", width=max(4, size // 128))
    sides: list[int] = []
    read_sheet = paper.read_sheet

    def noting(view: Image.Image) -> Any:
        sides.append(max(view.size))
        return read_sheet(view)

    monkeypatch.setattr(paper, "read_sheet", noting)
    tidy_sketch(image)
    assert sides
    assert max(sides) < 2 * STANDARD.working_side


@pytest.mark.parametrize("thing", THINGS)
def test_a_coloured_thing_as_bright_as_its_background_is_no_empty_drawing(thing: str) -> None:
    for seed in range(8):
        assert sketch_pixels(picture(thing, seed), 64).std() > 5
