"""How a card says that pictures are prepared: read, checked, obeyed, and written as it was."""

import math

import numpy as np
import pytest
from PIL import Image

from model import decode
from model.errors import BadWeights, ModelError
from model.pictures.preprocess import SETTINGS, photo_pixels, shortest_for, sketch_pixels
from model.pictures.preprocessing import STANDARD, Preprocessing
from model.registry import UnknownName
from tests.kit.pictures import encoded, jpeg, line_drawing, oriented, photo, scene


def test_what_a_card_of_0_1_holds_is_the_default() -> None:
    assert Preprocessing.parse(SETTINGS) == Preprocessing.parse({}) == STANDARD
    assert STANDARD.described() == dict(SETTINGS)
    assert {"mean", "std", "crop_share", "fill"}.isdisjoint(SETTINGS)


def test_it_is_written_as_it_is_read() -> None:
    other = Preprocessing(photo="longest", fill=9, mean=(0.1, 0.2, 0.3), margin=0.2, reducing_gap=None)
    assert Preprocessing.parse(other.described()) == other
    assert other.described() == {
        **SETTINGS, "photo": "longest", "fill": 9, "mean": [0.1, 0.2, 0.3], "margin": 0.2, "reducing_gap": None
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"sharpen": 1}, UnknownName, "card: unknown preprocessing 'sharpen'; known: tidy, colour_as_ink,"),
        (
            {"photo": "stretch"},
            UnknownName,
            "photo: unknown value 'stretch'; known: squash, shortest, longest",
        ),
        ({"photo_filter": "nearest"}, UnknownName, "known: bicubic, bilinear, box, hamming, lanczos"),
        ({"photo": ["squash"]}, UnknownName, r"photo: unknown value \['squash'\]"),
        ({"tidy": 2}, UnknownName, "tidy: unknown value 2; known: 1"),
        ({"tidy": True}, UnknownName, "tidy: unknown value True"),
        ({"margin": -1}, BadWeights, "margin is -1; give a number from 0 to 4"),
        ({"margin": "wide"}, BadWeights, "margin is 'wide'; give a number"),
        ({"margin": math.nan}, BadWeights, "margin is nan"),
        ({"working_side": 0}, BadWeights, "working_side is 0; give a whole number from 16 to 4096"),
        ({"working_side": 400.0}, BadWeights, "give a whole number"),
        ({"ink": [1, 2]}, BadWeights, r"ink is \[1, 2\]; give a list of 3 numbers"),
        ({"std": [0, 1, 1]}, BadWeights, "std is 0; give a number from 0.001"),
        ({"mean": 0.5}, BadWeights, "mean is 0.5; give a list of 3 numbers"),
        ({"reducing_gap": 0}, BadWeights, "reducing_gap is 0"),
    ],
)
def test_what_is_not_known_is_named_in_one_line(
    given: dict[str, object], kind: type[ModelError], message: str
) -> None:
    with pytest.raises(kind, match=message) as refused:
        Preprocessing.parse(given, "card")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("change", [{"margin": 0.5}, {"working_side": 64}, {"photo_filter": "box"}])
def test_a_drawing_is_tidied_as_it_says(change: dict[str, object]) -> None:
    how = Preprocessing.parse(change)
    assert (sketch_pixels(line_drawing(1400), 224, how) != sketch_pixels(line_drawing(1400), 224)).any()


def test_a_wider_margin_leaves_more_room() -> None:
    found = sketch_pixels(line_drawing(), 240, Preprocessing(margin=0.5)).min(axis=(0, 2)) < 128
    assert abs(int(np.flatnonzero(found)[0]) - 60) <= 2


def test_colours_count_as_ink_as_it_says() -> None:
    yellow = line_drawing(ink=(255, 255, 60), width=9)
    plain = sketch_pixels(yellow, 64, Preprocessing(colour_as_ink=1.0))
    assert plain.min() < 40


@pytest.mark.parametrize("size", [(120, 80), (80, 120), (60, 60)])
def test_the_longest_side_is_kept_and_the_rest_filled(size: tuple[int, int]) -> None:
    pixels = photo_pixels(Image.new("RGB", size, "white"), 30, Preprocessing(photo="longest", fill=100))
    shown = pixels[:, :, 0] == 255
    assert shown.sum() == 30 * (20 if size[0] != size[1] else 30)
    assert set(np.unique(pixels)) <= {100, 255}
    assert shown[15, 15]


def test_the_shortest_side_is_kept_and_the_rest_cut_off() -> None:
    image = Image.new("RGB", (300, 100), "black")
    image.paste("white", (100, 0, 200, 100))
    assert (photo_pixels(image, 50, Preprocessing(photo="shortest"))[:, 2:-2] == 255).all()
    whole = photo_pixels(image, 60)
    assert (whole[:, 25] == 255).all()
    assert (whole[:, 5] == 0).all()


@pytest.mark.parametrize("fit", ["squash", "shortest", "longest"])
@pytest.mark.parametrize("size", [(20_000, 1), (1, 20_000), (1, 1)])
def test_odd_shapes_take_no_more_than_the_square(fit: str, size: tuple[int, int]) -> None:
    pixels = photo_pixels(Image.new("RGB", size, "red"), 32, Preprocessing(photo=fit))
    assert pixels.shape == (32, 32, 3)
    assert (pixels == (255, 0, 0)).all(axis=2).any()


@pytest.mark.parametrize("share", [0.5, 0.875, 1.0])
@pytest.mark.parametrize("chosen", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(333, 200), (200, 333), (64, 64)])
def test_the_shortest_side_is_that_of_torchvision(size: tuple[int, int], chosen: str, share: float) -> None:
    transforms = pytest.importorskip("torchvision.transforms", reason="torchvision is not installed")
    image = photo(*size)
    inner = transforms.Resize(math.floor(48 / share), transforms.InterpolationMode(chosen))(image)
    wanted = np.asarray(transforms.CenterCrop(48)(inner)).astype(int)
    how = Preprocessing(photo="shortest", photo_filter=chosen, crop_share=share, reducing_gap=None)
    assert np.abs(photo_pixels(image, 48, how) - wanted).max() <= 1


def test_photos_are_squashed_as_they_were() -> None:
    assert (photo_pixels(scene(), 32) == photo_pixels(scene(), 32, Preprocessing.parse(SETTINGS))).all()


class TestDecodedForTheTower:
    """Photos are decoded no larger than the tower can tell."""

    @pytest.mark.parametrize("size", [(4000, 3000), (3024, 4032), (4608, 3456)])
    def test_a_large_photo_is_decoded_at_an_eighth_and_looks_the_same(self, size: tuple[int, int]) -> None:
        data = jpeg(*size)
        small = decode(data, shortest=shortest_for(224)).image
        assert small.size == (size[0] // 8, size[1] // 8)
        exact = photo_pixels(decode(data).image, 224).astype(int)
        assert np.abs(photo_pixels(small, 224) - exact).mean() < 1

    def test_a_turned_photo_is_decoded_at_the_same_scale(self) -> None:
        found = decode(oriented(6, width=1600, height=1200), shortest=shortest_for(90))
        assert (found.image.size, found.width, found.height) == ((200, 150), 1600, 1200)

    @pytest.mark.parametrize("kind", ["JPEG", "PNG"])
    def test_a_small_photo_is_decoded_whole(self, kind: str) -> None:
        data = encoded(photo(500, 375), kind)
        assert decode(data, shortest=shortest_for(224)).image.size == (500, 375)

    @pytest.mark.parametrize(
        "how",
        [
            Preprocessing(photo="shortest", crop_share=0.5),
            Preprocessing(photo="longest"),
            Preprocessing(reducing_gap=None),
        ],
    )
    def test_towers_that_see_more_of_a_part_get_twice_their_size(self, how: Preprocessing) -> None:
        assert min(decode(jpeg(4000, 3000), shortest=shortest_for(224, how)).image.size) >= 448
