"""What runs a tower. An engine turns pixels and tokens into unit embeddings and knows nothing of modalities."""

import importlib.util
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, get_args

from model import gpu
from model.errors import DeviceProblem, NoEngine

# Commands ask here what engines there are: their help shall not wait for numpy.
if TYPE_CHECKING:
    from model.card import Checkpoint
    from model.modality import Pixels, Vectors
    from model.words.tokens import Tokens

log = logging.getLogger("sketchseek")

Name = Literal["auto", "openvino", "torch", "torch-cuda"]
NAMES: tuple[Name, ...] = get_args(Name)
_MODULE = {"openvino": "openvino", "torch": "torch", "torch-cuda": "torch"}


class Engine(Protocol):
    """Safe to call from several threads at once."""

    name: str
    # For people; it begins with cpu or cuda.
    device: str
    # Why it can do nothing any more, where that is so.
    problem: str | None

    @property
    def batch(self) -> int:
        """How many pictures at once it likes best."""
        ...

    def embed_images(self, pixels: "Pixels") -> "Vectors":
        """(n, size, size, 3) bytes to (n, d) unit vectors."""
        ...

    def embed_texts(self, tokens: "Tokens") -> "Vectors":
        """Token ids to (n, 384) sentence vectors of unit length."""
        ...


@dataclass(frozen=True)
class Usable:
    """Whether an engine could run here; `detail` names its device, or says what it lacks."""

    name: str
    usable: bool
    detail: str


def open_engine(name: str, checkpoint: "Checkpoint", *, memory: int = 0) -> Engine:
    """The engine of that name. `auto` takes a card that torch can use, else OpenVINO, else torch on the CPU.

    `memory`: bytes of the card that a batch may take, 0 for a share of what is free.
    """
    if name not in NAMES:
        raise NoEngine(f"no engine {name!r}: choose one of {', '.join(NAMES)}")
    if name == "auto":
        return _best(checkpoint, memory)
    if not _installed(name):
        raise NoEngine(f"{_MODULE[name]} is not installed: {_HOW_TO_INSTALL}")
    return _open(name, checkpoint, memory)


def describe() -> tuple[Usable, ...]:
    """What could run a model here, engine by engine. Looks for a card, for which it loads torch."""
    return tuple(_usable(name) for name in NAMES if name != "auto")


def _best(checkpoint: "Checkpoint", memory: int) -> Engine:
    left = [name for name in ("openvino", "torch") if _installed(name)]
    if not left:
        raise NoEngine(f"no engine is installed: {_HOW_TO_INSTALL}")
    # Without OpenVINO this is an installation for a card, and its absence is worth a word.
    if _installed("torch-cuda") and (gpu.seems_there() or left[0] == "torch"):
        try:
            return _open("torch-cuda", checkpoint, memory)
        except DeviceProblem as error:
            log.warning("the model runs on the CPU, by %s: %s", left[0], error)
    return _open(left[0], checkpoint, memory)


def _open(name: str, checkpoint: "Checkpoint", memory: int) -> Engine:
    # Imported only when chosen: the CPU's path needs no torch.
    if name == "openvino":
        from model.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(checkpoint)
    if name == "torch":
        from model.engines.torch import TorchEngine

        return TorchEngine(checkpoint)
    from model.engines.cuda import CudaEngine

    return CudaEngine(checkpoint, budget=memory)


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
