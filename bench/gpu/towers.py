"""Image towers with the pictures already on the GPU, and one picture from the host and back."""

import contextlib
import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from bench.gpu.command import Bench
from model import Encoder
from model.backbones.base import ImageTower
from model.backbones.open_clip import OpenClip
from model.backbones.towers import image_tower
from model.card import Checkpoint
from model.engines.cuda_graphs import Recorded, Step, on
from model.engines.precision import COSINE, quickest, trial_pixels

# Only the architecture matters here: random weights take as long as trained ones.
ARCHITECTURE, SMALL = "ViT-B-32", "ViT-S-32-alt"
_SIZES = (1, 16, 64, 256, 1024, 2048)


def main(bench: Bench) -> None:
    torch.manual_seed(0)
    lite = Checkpoint.find("lite")
    with torch.inference_mode(), on(bench.device):
        name = SMALL if bench.small else ARCHITECTURE
        _tower(bench, name, ImageTower(OpenClip().build(name).network).eval(), 224)
        _tower(bench, "lite", image_tower(lite), 64 if bench.small else 224)
    if bench.device.type == "cuda":
        _parity()


def _tower(bench: Bench, name: str, tower: nn.Module, side: int) -> None:
    pixels = trial_pixels(side, torch.device("cpu"), 1)
    with FlopCounterMode(display=False) as counted:
        tower(pixels)
    flops, moved = counted.get_total_flops(), _bytes_moved(tower, pixels)
    print(f"{name}: {flops / 1e9:.2f} GFLOP and {moved / 1e6:.1f} MB of activations a picture, {side} px")
    ready = quickest(tower.to(bench.device).to(memory_format=torch.channels_last), pixels.to(bench.device))
    print(
        f"  in {next(ready.parameters()).dtype}; lines that say so: compiled by torch, next to the recorded graph"
    )
    best = 0.0
    for size in _SIZES[:1] if bench.small else _SIZES:
        step = Step(ready, size, side, bench.device, None)
        rate = size / bench.seconds(step.launch)
        best = max(best, rate)
        print(f"  batch {size:5d}: {rate:9.0f} pictures/s{_shares(bench, rate, flops, moved)}", flush=True)
        del step
    if bench.device.type == "cuda":
        with contextlib.suppress(RuntimeError):
            compiled = torch.compile(ready, mode="max-autotune-no-cudagraphs", dynamic=False)
            step = Step(compiled, 1024, side, bench.device, None)
            rate = 1024 / bench.seconds(step.launch)
            print(
                f"  batch  1024, compiled: {rate:9.0f} pictures/s{_shares(bench, rate, flops, moved)}",
                flush=True,
            )
    _latency(bench, tower, side)


def _shares(bench: Bench, rate: float, flops: float, moved: float) -> str:
    arithmetic, floor = rate * flops / bench.flops, bench.bandwidth / moved
    return f"   {arithmetic:5.1%} of the matrix limit, {floor / rate:5.2f} x the time of the memory floor"


def _latency(bench: Bench, tower: nn.Module, side: int) -> None:
    """From bytes on the host to a vector on the host, as in the service."""
    engine = Recorded(tower, side, bench.device, 2**33, 1 if bench.small else 64)
    one = trial_pixels(side, torch.device("cpu"), 1).numpy()
    times = []
    for _ in range(3 if bench.small else 500):
        start = time.perf_counter()
        engine(one)
        times.append(1000 * (time.perf_counter() - start))
    middle, late = np.quantile(times, (0.5, 0.99))
    print(f"  one picture, host to host: {middle:.2f} ms, 99 % in {late:.2f} ms   limit: 2 ms")


def _bytes_moved(tower: nn.Module, pixels: Tensor) -> int:
    """The least that each convolution and matrix must read and write, in fp16: all else could be fused into them."""
    found = [0]

    def count(_: nn.Module, given: tuple[Tensor, ...], made: Tensor) -> None:
        found[0] += 2 * (given[0].numel() + made.numel())

    hooks = [
        module.register_forward_hook(count)
        for module in tower.modules()
        if isinstance(module, (nn.Conv2d, nn.Linear))
    ]
    tower(pixels)
    for hook in hooks:
        hook.remove()
    return found[0]


def _parity() -> None:
    """Compare the shipped model on the GPU with the reference."""
    pixels = list(trial_pixels(224, torch.device("cpu"), 64).numpy())
    card, reference = (Encoder.load("lite", engine=name) for name in ("torch-cuda", "torch"))
    cosine = (card.encode_photos(pixels) * reference.encode_photos(pixels)).sum(axis=1).min()
    print(f"lite on the GPU and the reference: lowest cosine {cosine:.6f}   limit: {COSINE}")
