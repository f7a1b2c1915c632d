"""Batches by streams: the same vectors, in the same order, whatever the number of pictures and callers."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from model import Encoder
from model.engines.openvino import OpenVinoEngine
from model.modality import Pixels, Vectors

MANY = 23


@pytest.fixture(scope="module")
def openvino() -> Encoder:
    encoder = Encoder.load("lite", engine="openvino", in_bulk=True)
    assert isinstance(encoder.engine, OpenVinoEngine)
    encoder.engine.worth = 0
    return encoder


@pytest.fixture(scope="module")
def pixels(openvino: Encoder) -> Pixels:
    """Each of one colour, so that vectors in the wrong order differ."""
    dice = np.random.default_rng(0)
    colours = dice.integers(0, 256, (MANY, 1, 1, 3), dtype=np.uint8)
    return np.broadcast_to(colours, (MANY, openvino.size, openvino.size, 3)).copy()


@pytest.fixture(scope="module")
def alone(openvino: Encoder, pixels: Pixels) -> Vectors:
    return np.concatenate([openvino.engine.embed_images(pixels[at : at + 1]) for at in range(MANY)])


@pytest.mark.parametrize("count", [8, 9, 16, 17, MANY])
def test_a_batch_has_the_vectors_of_its_pictures(
    openvino: Encoder, pixels: Pixels, alone: Vectors, count: int
) -> None:
    found = openvino.engine.embed_images(pixels[:count])
    at = openvino.dimension
    assert found.shape == alone[:count].shape
    assert ((found[:, :at] * alone[:count, :at]).sum(axis=1) > 0.99999).all()
    np.testing.assert_allclose(found[:, at:], alone[:count, at:], atol=0.01)


def test_few_batches_are_not_worth_compiling(pixels: Pixels, alone: Vectors) -> None:
    engine = Encoder.load("lite", engine="openvino", in_bulk=True).engine
    for _ in range(3):
        np.testing.assert_allclose(engine.embed_images(pixels[:8]), alone[:8], atol=0.01)
    assert "_streams" not in vars(engine)
    for _ in range(6):
        np.testing.assert_allclose(engine.embed_images(pixels[:8]), alone[:8], atol=0.01)
    assert "_streams" in vars(engine)


def test_callers_get_their_own(openvino: Encoder, pixels: Pixels, alone: Vectors) -> None:
    starts = [0, 3, 7, 11]
    with ThreadPoolExecutor(len(starts)) as pool:
        found = pool.map(lambda at: openvino.engine.embed_images(pixels[at : at + 12]), starts)
    for at, vectors in zip(starts, found, strict=True):
        np.testing.assert_allclose(vectors, alone[at : at + 12], atol=0.01)


def test_pixels_that_do_not_fit_harm_no_other_batch(
    openvino: Encoder, pixels: Pixels, alone: Vectors
) -> None:
    with pytest.raises(RuntimeError):
        openvino.engine.embed_images(np.zeros((8, 10, 10, 1), np.uint8))
    found = openvino.engine.embed_images(pixels[:8])
    np.testing.assert_allclose(found, alone[:8], atol=0.01)
