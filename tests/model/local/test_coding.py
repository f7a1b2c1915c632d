"""The bytes of a photo's parts: what they lose is bounded, and nothing changes places."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model.local.coding import Code
from model.modality import unit

SIDE, WIDTH, NUMBERS = 7, 64, 40


@pytest.fixture(scope="module")
def tokens() -> NDArray[np.float32]:
    return unit(np.random.default_rng(0).standard_normal((5 * SIDE**2, WIDTH)).astype(np.float32)).reshape(
        5, SIDE**2, WIDTH
    )


@pytest.fixture(scope="module")
def code(tokens: NDArray[np.float32]) -> Code:
    turned, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((WIDTH, NUMBERS)))
    basis = turned.astype(np.float32)
    return Code(basis, (tokens @ basis).reshape(-1, NUMBERS).std(axis=0) / 3, SIDE)


def test_a_row_has_half_a_byte_for_each_number(code: Code, tokens: NDArray[np.float32]) -> None:
    rows = code.pack(tokens)
    assert rows.dtype == np.uint8
    assert rows.shape == (5, code.bytes) == (5, 980)
    assert code.unpack(rows).shape == (5, SIDE**2, NUMBERS)
    assert code.pack(tokens[:0]).shape == (0, 980)
    assert code.unpack(rows[:0]).shape == (0, SIDE**2, NUMBERS)


def test_numbers_are_off_by_half_a_step_at_most(code: Code, tokens: NDArray[np.float32]) -> None:
    short = tokens @ code.basis
    off = np.abs(code.unpack(code.pack(tokens)) - short / code.step)
    within = np.abs(short) < 8 * code.step
    assert within.mean() > 0.98
    assert off[within].max() <= 0.5 + 1e-3


def test_what_is_beyond_the_levels_becomes_the_last_of_them(code: Code) -> None:
    """Neither wraps around nor disturbs its neighbour in the same byte."""
    far = np.zeros((1, SIDE**2, WIDTH), dtype=np.float32)
    far[0, :, :] = 100 * (code.basis[:, 0] - code.basis[:, 3])
    found = code.unpack(code.pack(far))[0]
    assert np.allclose(found[:, 0], 7.5)
    assert np.allclose(found[:, 3], -7.5)
    assert np.abs(np.delete(found, (0, 3), axis=1)).max() <= 0.5 + 1e-3


def test_products_are_those_of_the_tokens(code: Code, tokens: NDArray[np.float32]) -> None:
    kept, query = code.unpack(code.pack(tokens)), code.shortened(tokens[0])
    found = kept[1] @ query.T
    inside = tokens @ code.basis @ code.basis.T
    assert np.abs(found - inside[1] @ tokens[0].T).max() < 0.1


def test_cells_keep_their_places(code: Code, tokens: NDArray[np.float32]) -> None:
    order = np.random.default_rng(2).permutation(SIDE**2)
    found, moved = code.unpack(code.pack(tokens)), code.unpack(code.pack(tokens[:, order]))
    assert (moved == found[:, order]).all()


def test_the_same_tokens_have_the_same_bytes(code: Code, tokens: NDArray[np.float32]) -> None:
    rows = code.pack(tokens)
    assert rows.tobytes() == code.pack(tokens.copy()).tobytes()
    assert (code.pack(tokens[2:3]) == rows[2:3]).all()
