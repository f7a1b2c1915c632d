"""Export a checkpoint's towers as OpenVINO graphs for CPUs."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from model.backbones.towers import family, image_tower
from model.card import Checkpoint, WeightFile
from model.engines.runtime import converter, openvino
from model.export.folders import weight_file, write_card


def export(checkpoint: Checkpoint) -> Checkpoint:
    """Convert the torch weights to graphs with fp16 weights, and list them in the card.

    New graphs get new names and the card changes last, so that a crash leaves the model as it was.
    """
    card, size = checkpoint.card, checkpoint.card.image_tower.size or 224
    pictures = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    backbone = family(checkpoint)
    made = _graph(checkpoint, "image", image_tower(checkpoint), pictures)
    if length := backbone.text_length(card):
        ids = torch.zeros((2, length), dtype=torch.int64)
        made |= _graph(checkpoint, "text", backbone.text_tower(checkpoint), ids)
    fresh = card.model_copy(update={"weights": card.weights | made})
    write_card(fresh, checkpoint.folder)
    for part in made:
        if part in card.weights and card.weights[part].package is None:
            card.weights[part].locate(checkpoint.folder).unlink(missing_ok=True)
    return Checkpoint(checkpoint.folder)


def _graph(
    checkpoint: Checkpoint, name: str, tower: nn.Module, example: torch.Tensor
) -> dict[str, WeightFile]:
    path = _free(checkpoint.folder, name)
    openvino.save_model(graph_of(tower, example), str(path), compress_to_fp16=True)
    return {
        f"openvino.{name}": weight_file(path),
        f"openvino.{name}.bin": weight_file(path.with_suffix(".bin")),
    }


def graph_of(network: nn.Module, example: torch.Tensor) -> "openvino.Model":
    """The graph of a network, for batches of any size."""
    with warnings.catch_warnings(), _traceable():
        # Tracing warns about each Python branch in the network's code; parity tests validate the result.
        warnings.simplefilter("ignore")
        graph = converter()(network, example_input=example)
    graph.reshape([-1, *example.shape[1:]])
    return graph


@contextmanager
def _traceable() -> Iterator[None]:
    """Disable torch's fused attention, which cannot be exported."""
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)


def _free(folder: Path, name: str) -> Path:
    """Return image.xml or, if that is taken, image-2.xml, and so on."""
    path, number = folder / f"{name}.xml", 1
    while path.exists() or path.with_suffix(".bin").exists():
        number += 1
        path = folder / f"{name}-{number}.xml"
    return path
