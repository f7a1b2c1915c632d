"""Where and how an index is searched: on the host or on a GPU. Stores without GPU support ignore it."""

from dataclasses import dataclass
from typing import Literal, get_args

Device = Literal["auto", "cpu", "cuda"]
GpuIndex = Literal["exact", "flat", "ivf", "cagra"]
DEVICES: tuple[Device, ...] = get_args(Device)


@dataclass(frozen=True)
class Placement:
    """`auto` uses a GPU if there is one and the index fits; `memory` limits GPU memory, 0 means what is free."""

    device: Device = "auto"
    gpu_index: GpuIndex = "exact"
    memory: int = 0


HOST = Placement("cpu")
