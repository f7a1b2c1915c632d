"""The GPU: whether one is usable, how much memory is free, and what its errors mean.

Nothing here imports torch until a GPU is requested, so that code on the CPU can classify errors, too.
"""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from model.errors import DeviceProblem

T = TypeVar("T")
R = TypeVar("R")

_USE_CPU = "or run without a GPU: --engine auto, --index-device cpu"
# Messages of torch and the driver, and what to do about them; the first match counts.
_MEANINGS = (
    ("no nvidia driver", f"there is no NVIDIA driver here: install one, {_USE_CPU}"),
    (
        "driver on your system is too old",
        f"the NVIDIA driver is older than this torch needs: update it, install a torch for its CUDA, {_USE_CPU}",
    ),
    (
        "driver version is insufficient",
        f"the NVIDIA driver is older than this torch needs: update it, install a torch for its CUDA, {_USE_CPU}",
    ),
    (
        "not compiled with cuda",
        f"this torch is made for CPUs only: pip install 'sketchseek[gpu]' from a CUDA index, {_USE_CPU}",
    ),
    (
        "no cuda gpus are available",
        "the NVIDIA driver shows no GPU: pass one into the container (--gpus all), "
        f"check CUDA_VISIBLE_DEVICES, {_USE_CPU}",
    ),
    ("invalid device ordinal", f"there is no GPU with that number: nvidia-smi lists them, {_USE_CPU}"),
    (
        "no kernel image is available",
        f"this torch does not support this GPU: install one that does, {_USE_CPU}",
    ),
    (
        "busy or unavailable",
        f"another process has exclusive use of the GPU: stop it (nvidia-smi lists it), {_USE_CPU}",
    ),
    (
        "system not yet initialized",
        f"the GPU's fabric manager is not running: start nvidia-fabricmanager, {_USE_CPU}",
    ),
    (
        "driver initialization failed",
        f"the NVIDIA driver does not start: run nvidia-smi to see why, {_USE_CPU}",
    ),
    ("cuda unknown error", f"the NVIDIA driver does not start: run nvidia-smi to see why, {_USE_CPU}"),
)
_FULL = (
    "the GPU's memory is full: stop whatever else uses it (nvidia-smi lists it), or give less to the encoder or the "
    "index (SKETCHSEEK_ENCODER_MEMORY_MB, SKETCHSEEK_INDEX_MEMORY_MB)"
)
_LOST = (
    "the GPU failed while it was working and is lost to this process: restart the process, and check dmesg"
)
# After these errors, nothing on the GPU is usable any more.
_FATAL = (
    "launch failure",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "device-side assert",
    "uncorrectable",
    "ecc error",
    "gpu is lost",
    "fallen off the bus",
    "launch timed out",
    "cuda error",
)
_NODES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")


@dataclass(frozen=True)
class Gpu:
    """A GPU that responds; sizes in bytes."""

    number: int
    name: str
    free: int
    total: int

    @property
    def device(self) -> str:
        return f"cuda:{self.number}"


def find(device: str = "cuda") -> Gpu:
    """Find the GPU of that name; raises DeviceProblem with one line that says what to do."""
    if importlib.util.find_spec("torch") is None:
        raise DeviceProblem(f"a GPU needs torch: pip install 'sketchseek[gpu]', {_USE_CPU}")
    import torch

    with explained():
        # Unlike is_available(), which returns False for every problem, this raises the actual one.
        torch.cuda.init()  # type: ignore[no-untyped-call]
        number = torch.device(device).index or 0
        properties = torch.cuda.get_device_properties(number)
        free, total = torch.cuda.mem_get_info(number)
    return Gpu(number, properties.name, free, total)


def seems_there() -> bool:
    """Whether there are traces of a driver: costs nothing and loads nothing."""
    return any(Path(node).exists() for node in _NODES)


def is_out_of_memory(error: BaseException) -> bool:
    """Recognises torch's and FAISS's errors, too, by name and text: neither has to be installed."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and ("out of memory" in text or "cudamalloc error" in text)


def outcomes(work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T]) -> list[R | Exception]:
    """Run `work` on a batch; return for each item its result, or the error that this item causes.

    If memory runs out, the batch is halved; after any other error its items are tried one by one. A GPU that is
    lost is not asked again.
    """
    try:
        return list(work(items))
    except Exception as error:
        failure = error.with_traceback(None)
    # Outside the handler, so that the memory of the failed attempt is free again.
    if len(items) == 1 or is_fatal(failure):
        return [failure] * len(items)
    size = len(items) // 2 if is_out_of_memory(failure) else 1
    parts = (items[at : at + size] for at in range(0, len(items), size))
    return [outcome for part in parts for outcome in outcomes(work, part)]


def is_fatal(error: BaseException) -> bool:
    """Whether the process has lost the GPU for good."""
    text = str(error).lower()
    return not is_out_of_memory(error) and any(words in text for words in _FATAL)


def meaning(error: BaseException) -> str | None:
    """Explain a GPU error and what to do about it in one line; None for any other error."""
    if is_out_of_memory(error):
        return _FULL
    text = str(error).lower()
    known = next((line for words, line in _MEANINGS if words in text), None)
    return known or (_LOST if is_fatal(error) else None)


@contextmanager
def explained() -> Iterator[None]:
    """Turn GPU errors into a DeviceProblem; all others pass through."""
    try:
        yield
    except (RuntimeError, AssertionError, MemoryError) as error:
        line = meaning(error)
        if line is None:
            raise
        raise DeviceProblem(
            f"{line} ({str(error).strip().splitlines()[0]})" if str(error) else line
        ) from error
