"""Engines run towers: they turn pixels and tokens into unit embeddings, and know nothing of modalities."""

import importlib.util
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from model import gpu
from model.errors import DeviceProblem, NoEngine

# Commands read the names of engines here, and their help must not wait for numpy.
if TYPE_CHECKING:
    from pathlib import Path

    from model.card import Checkpoint
    from model.modality import Pixels, Vectors
    from model.words.tokens import Tokens

log = logging.getLogger("sketchseek")

Name = Literal["auto", "openvino", "torch", "torch-cuda"]
NAMES: tuple[Name, ...] = get_args(Name)
_MODULE = {"openvino": "openvino", "torch": "torch", "torch-cuda": "torch"}


class Engine(Protocol):
    """Runs a model's towers. Must be thread-safe."""

    name: str
    # For display; starts with cpu or cuda.
    device: str

    @property
    def problem(self) -> str | None:
        """Why it no longer works; None while it does."""
        ...

    @property
    def batch(self) -> int:
        """The best number of pictures to encode at once."""
        ...

    def embed_images(self, pixels: "Pixels") -> "Vectors":
        """Embed (n, size, size, 3) bytes as (n, d) unit vectors; those of a model with a local head are followed by its
        cells, flattened."""
        ...

    def embed_texts(self, tokens: "Tokens") -> "Vectors":
        """Embed token ids as (n, 384) sentence vectors of unit length."""
        ...


@dataclass(frozen=True)
class Usable:
    """Whether an engine works here; `detail` names its device, or says what is missing."""

    name: str
    usable: bool
    detail: str


@dataclass(frozen=True)
class Wishes:
    """How to open an engine; see `Encoder.load`. Each engine heeds what concerns it."""

    memory: int = 0
    words_first: bool = False
    in_bulk: bool = False
    cache: "Path | None" = None


def open_engine(name: str, checkpoint: "Checkpoint", wishes: Wishes | None = None) -> Engine:
    """Open an engine by name. `auto` picks a GPU that torch can use, then OpenVINO, then torch on the CPU."""
    wishes = wishes or Wishes()
    if name not in NAMES:
        raise NoEngine(f"no engine {name!r}: choose one of {', '.join(NAMES)}")
    if name != "auto" and not _installed(name):
        raise NoEngine(f"{_MODULE[name]} is not installed: {_HOW_TO_INSTALL}")
    engine = _best(checkpoint, wishes) if name == "auto" else _open(name, checkpoint, wishes)
    card = checkpoint.card
    if len(card.looks) == 1:
        return engine
    from model.engines.looking import Looking

    return Looking(engine, card.looks, card.dimension)


def describe() -> tuple[Usable, ...]:
    """Report for each engine whether it works here. Loads torch to look for a GPU."""
    return tuple(_usable(name) for name in NAMES if name != "auto")


def _best(checkpoint: "Checkpoint", wishes: Wishes) -> Engine:
    left = [name for name in ("openvino", "torch") if _installed(name)]
    if not left:
        raise NoEngine(f"no engine is installed: {_HOW_TO_INSTALL}")
    # Without OpenVINO this installation is meant for a GPU, so the lack of one is worth a log line.
    if _installed("torch-cuda") and (gpu.seems_there() or left[0] == "torch"):
        try:
            return _open("torch-cuda", checkpoint, wishes)
        except DeviceProblem as error:
            log.warning("the model runs on the CPU, by %s: %s", left[0], error)
    return _open(left[0], checkpoint, wishes)


def _open(name: str, checkpoint: "Checkpoint", wishes: Wishes) -> Engine:
    # Imported only when chosen: running on the CPU needs no torch.
    if name == "openvino":
        from model.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(
            checkpoint, words_first=wishes.words_first, in_bulk=wishes.in_bulk, cache=wishes.cache
        )
    if name == "torch":
        from model.engines.torch import TorchEngine

        return TorchEngine(checkpoint)
    from model.engines.cuda import CudaEngine

    return CudaEngine(checkpoint, budget=wishes.memory)


def _usable(name: str) -> Usable:
    if not _installed(name):
        return Usable(name, False, f"{_MODULE[name]} is not installed")
    if name != "torch-cuda":
        return Usable(name, True, "cpu")
    try:
        card = gpu.find()
    except DeviceProblem as error:
        return Usable(name, False, str(error))
    return Usable(
        name, True, f"{card.device} ({card.name}, {card.free >> 20} of {card.total >> 20} MiB free)"
    )


def _installed(name: str) -> bool:
    return importlib.util.find_spec(_MODULE[name]) is not None


_HOW_TO_INSTALL = "pip install 'sketchseek[cpu]' (OpenVINO) or 'sketchseek[gpu]' (torch)"
