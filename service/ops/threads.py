"""Keep idle threads of the numeric libraries from spinning: for milliseconds after each product, they hold a core.

The model's next picture needs that core. A second stage of 300 photos takes one thread as long as two, and cost 11 ms
of the processor instead of 2.
"""

import os
from collections.abc import Mapping

# numpy's products (OpenBLAS) and FAISS (OpenMP).
_CALM = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
_set: set[str] = set()


def stay_calm() -> None:
    """Set what the user has not set. The libraries read it when they are loaded, so call this before."""
    for name in _CALM.keys() - os.environ.keys():
        os.environ[name] = _CALM[name]
        _set.add(name)


def as_given() -> Mapping[str, str]:
    """The environment without it: an index run compares photos with each other, and has cores to itself."""
    return {name: value for name, value in os.environ.items() if name not in _set}
