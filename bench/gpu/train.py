"""Training steps on the GPU: pictures per second through towers, loss, gradients and optimiser, with the data ready.

`sketchseek train` itself prints what a run reaches with its data.
"""

import torch
from torch import Tensor

from bench.gpu.command import Bench
from model.training.network import Network, build
from model.training.recipe import Recipe, read_recipe
from model.training.run import optimiser

_SMALL: dict[str, dict[str, object]] = {
    "lite": {"size": 64, "batch": 4, "architecture": "tf_efficientnet_lite0"},
    "masbir-b32": {"batch": 2, "architecture": "ViT-S-32-alt", "dimension": 256},
}


def main(bench: Bench) -> None:
    for name, small in _SMALL.items():
        recipe = read_recipe(name, **(small if bench.small else {}))
        network = build(recipe, random_weights=True).to(bench.device).train()
        factors = (1,) if bench.small else (1, 4, 16)
        rates = [_rate(bench, recipe, network, factor * recipe.batch) for factor in factors]
        if recipe.steps:
            minutes = recipe.steps * recipe.batch / rates[0] / 60
            print(f"  {name}: {recipe.steps} steps of {recipe.batch} take {minutes:.1f} min of GPU time")


def _rate(bench: Bench, recipe: Recipe, network: Network, batch: int) -> float:
    adam = optimiser(network, recipe)
    for group in adam.param_groups:
        group["lr"] = 1e-5
    pixels = torch.randint(0, 256, (batch, recipe.size, recipe.size, 3), dtype=torch.uint8)
    with torch.no_grad():
        inputs = network.learner.prepare(pixels.to(bench.device))
    try:
        rate = batch / bench.seconds(lambda: _step(network, adam, inputs), least=3.0)
    except torch.OutOfMemoryError:
        print(f"  {recipe.name}, batch {batch}: more memory than the GPU has")
        return 0.0
    print(f"  {recipe.name}, batch {batch:5d}, {recipe.size} px: {rate:9.0f} pictures/s", flush=True)
    return rate


def _step(network: Network, adam: torch.optim.Optimizer, inputs: Tensor) -> None:
    """Pair the two halves of a batch; the loss is the usual contrastive one, which costs next to nothing."""
    adam.zero_grad(set_to_none=True)
    with torch.autocast(inputs.device.type, torch.bfloat16):
        embedded = network.learner.images(inputs)
    left, right = embedded.float().chunk(2)
    loss = torch.nn.functional.cross_entropy(left @ right.T * 14, torch.arange(len(left), device=left.device))
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()
