"""What the shipped model says of pairs, from pictures to scores."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from safetensors.numpy import load_file, save_file

from model import Encoder
from model.card import LOCAL, Checkpoint
from model.errors import BadWeights
from model.local.explaining import Seen, explain
from model.local.local import Local
from model.local.parts import Cells, Parts, coarser
from model.modality import Modality, Pixels
from tests.kit.shapes import THINGS, drawing, picture


@pytest.fixture(scope="module")
def local(encoder: Encoder) -> Local:
    assert encoder.local is not None
    return encoder.local


@pytest.fixture(scope="module")
def photos(encoder: Encoder) -> Cells:
    shown = [encoder.prepare_photo(picture(thing, seed)) for thing in THINGS for seed in range(3)]
    found = encoder.encode(shown, Modality.PHOTO).cells
    assert found is not None
    return found


def drawn(encoder: Encoder, local: Local, image: Image.Image | Pixels) -> Parts:
    pixels = encoder.prepare_sketch(image) if isinstance(image, Image.Image) else image
    cells = encoder.encode([pixels], Modality.SKETCH).cells
    assert cells is not None
    return local.coarse_sketch(cells[0], pixels)


def test_rows_have_the_scores_of_the_photos(encoder: Encoder, local: Local, photos: Cells) -> None:
    """Up to what packing loses, which is little beside how much photos differ."""
    rows = local.pack(photos)
    assert rows.shape == (len(photos), local.row_bytes)
    for thing in THINGS:
        sketch = drawn(encoder, local, drawing(thing))
        side = sketch.side
        exact = np.array([local.match(sketch, local.photo(coarser(each, side))).score for each in photos])
        found = local.scores(sketch, rows)
        assert np.corrcoef(found, exact)[0, 1] > 0.98
        assert np.abs((found - found.mean()) - (exact - exact.mean())).max() < exact.std()


def test_blank_paper_has_no_say(encoder: Encoder, local: Local, photos: Cells) -> None:
    pixels = encoder.prepare_sketch(drawing("fish"))
    cells = encoder.encode([pixels], Modality.SKETCH).cells
    assert cells is not None
    sketch = local.sketch(cells[0], pixels)
    blank = (sketch.weights == 0).reshape(local.side, local.side)
    assert 0 < blank.mean() < 1
    other = cells[0].copy()
    other[blank] = photos[0][blank]
    shown = local.photo(photos[0])
    assert local.match(local.sketch(other, pixels), shown).score == local.match(sketch, shown).score


def test_a_dot_and_a_black_sheet_are_drawings(encoder: Encoder, local: Local, photos: Cells) -> None:
    dot = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(dot).ellipse((148, 148, 151, 151), fill="black")
    black: Pixels = np.zeros((encoder.size, encoder.size, 3), dtype=np.uint8)
    white: Pixels = np.full_like(black, 255)
    for pixels in (encoder.prepare_sketch(dot), black, white):
        sketch = drawn(encoder, local, pixels)
        assert sketch.weights.sum() == pytest.approx(1, abs=1e-5)
        assert np.isfinite(local.scores(sketch, local.pack(photos))).all()
        cells = encoder.encode([pixels], Modality.SKETCH).cells
        assert cells is not None
        told = explain(local, Seen(cells[0], pixels=pixels), Seen(photos[0]))
        assert len(told.parts) >= 1
        assert sum(part.contribution for part in told.parts) == pytest.approx(told.score, abs=1e-4)
    assert (drawn(encoder, local, black).weights > 0).all()


def test_the_same_pictures_have_the_same_rows_and_scores(
    encoder: Encoder, local: Local, photos: Cells
) -> None:
    again = Local(Checkpoint.find("lite").file(LOCAL), "any")
    assert local.pack(photos).tobytes() == again.pack(photos).tobytes()
    one, other = (drawn(encoder, each, drawing("mug")) for each in (local, again))
    assert one.tokens.tobytes() == other.tokens.tobytes()
    rows = local.pack(photos)
    assert local.scores(one, rows).tobytes() == again.scores(other, rows).tobytes()
    assert local.digest != again.digest
    assert local.pack(photos[:0]).shape == (0, local.row_bytes)


def test_a_file_without_a_head_is_refused_in_one_line(tmp_path: Path) -> None:
    tensors = load_file(Checkpoint.find("lite").file(LOCAL))
    path = tmp_path / "local.safetensors"
    for file in (b"", b"\0" * 100):
        path.write_bytes(file)
        with pytest.raises(BadWeights, match=r"holds no local head .*; install sketchseek again"):
            Local(path, "any")
    save_file(tensors, path)
    with pytest.raises(BadWeights, match="holds no local head"):
        Local(path, "any")
