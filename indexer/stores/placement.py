"""Where an index is searched, and how: on the host or on a GPU. A store that knows no GPU ignores it."""

from dataclasses import dataclass
from typing import Literal, get_args

Device = Literal["auto", "cpu", "cuda"]
GpuIndex = Literal["exact", "flat", "ivf", "cagra"]
DEVICES: tuple[Device, ...] = get_args(Device)


@dataclass(frozen=True)
class Placement:
    """`auto` takes a GPU if there is one and the index fits; `memory` is what the GPU may give, 0 for what is free."""

    device: Device = "auto"
    gpu_index: GpuIndex = "exact"
    memory: int = 0


HOST = Placement("cpu")
