"""Every float16 there is, as a float32."""

import numpy as np

from indexer.stores.halves import to_float32

ALL = np.arange(2**16, dtype=np.uint16).view(np.float16)


def test_every_number_is_the_same() -> None:
    finite = ALL[np.isfinite(ALL)].reshape(-1, 2)
    found = to_float32(finite)
    assert (found.dtype, found.shape) == (np.float32, finite.shape)
    assert np.array_equal(found, finite.astype(np.float32))
    assert np.array_equal(np.signbit(found), np.signbit(finite))


def test_what_is_no_number_stays_so() -> None:
    assert np.array_equal(to_float32(ALL), ALL.astype(np.float32), equal_nan=True)


def test_rows_of_a_larger_array_may_be_converted() -> None:
    rows = ALL[: 2**14].reshape(-1, 64)
    assert np.array_equal(to_float32(rows[::3]), rows[::3].astype(np.float32))
    assert to_float32(rows[:0]).shape == (0, 64)
