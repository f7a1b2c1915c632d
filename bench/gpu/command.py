"""python -m bench gpu [PART...] [--device cpu] [--small]: GPU benchmarks, compared with the GPU's own limits.

Each part takes less than ten minutes and prints the limits that it is compared with, measured in the same run:
how fast memory is copied and how fast bf16 matrices are multiplied. `--device cpu --small` runs the same code in
seconds, to check that it works; its figures are meaningless.
"""

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

# Each with its module and function.
PARTS = {
    "towers": ("towers", "main"),
    "search": ("search", "main"),
    "cagra": ("graphs", "cagra"),
    "ivf": ("graphs", "ivf"),
    "serve": ("serve", "main"),
    "index": ("index", "main"),
    "train": ("train", "main"),
}


@dataclass(frozen=True)
class Bench:
    """The device of a benchmark and its limits: bytes and bf16 operations per second."""

    device: torch.device
    small: bool
    bandwidth: float
    flops: float

    def seconds(self, work: Callable[[], object], *, least: float = 1.0) -> float:
        """The median of many runs, by the GPU's own clock if there is one."""
        return taken(self.device, work, 0.02 if self.small else least)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench gpu", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of: {', '.join(PARTS)}; else all")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    if unknown := set(options.parts) - {*PARTS}:
        parser.error(f"unknown part {', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    bench = measured(torch.device(options.device), options.small)
    for part in options.parts or PARTS:
        print(f"\n-- {part}", flush=True)
        module, function = PARTS[part]
        getattr(importlib.import_module(f"bench.gpu.{module}"), function)(bench)


def measured(device: torch.device, small: bool) -> Bench:
    """Measure the limits, on data that is neither constant nor cached."""
    count, side = (2**20, 256) if small else (2**32, 8192)
    least = 0.02 if small else 1.0
    source = torch.randint(0, 256, (count,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * count / taken(device, lambda: target.copy_(source), least)
    left, right = (torch.randn((side, side), device=device).bfloat16() for _ in range(2))
    flops = 2 * side**3 / taken(device, lambda: left @ right, least)
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else "on a CPU: these figures are meaningless"
    )
    print(f"{name}, torch {torch.__version__}{', small' if small else ''}")
    print(f"copies {bandwidth / 1e12:.2f} TB/s (read and written), bf16 matrices {flops / 1e12:.0f} TFLOP/s")
    return Bench(device, small, bandwidth, flops)


def taken(device: torch.device, work: Callable[[], object], least: float) -> float:
    """The median in seconds, after three warm-up runs; runs for so many seconds and at least five times."""
    for _ in range(3):
        work()
    found: list[float] = []
    end = time.perf_counter() + least
    while time.perf_counter() < end or len(found) < 5:
        found.append(_once(device, work))
    return statistics.median(found)


def _once(device: torch.device, work: Callable[[], object]) -> float:
    if device.type != "cuda":
        start = time.perf_counter()
        work()
        return time.perf_counter() - start
    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize(device)
    before.record()
    work()
    after.record()
    after.synchronize()
    return before.elapsed_time(after) / 1000
