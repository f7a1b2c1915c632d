"""A checkpoint's image tower as the OpenVINO graph that CPUs serve."""

import hashlib
import json
import warnings
from pathlib import Path

import openvino
import torch

from model.card import Checkpoint, WeightFile
from model.towers import image_tower


def export_openvino(checkpoint: Checkpoint) -> dict[str, WeightFile]:
    """Writes image.xml and image.bin (fp16 weights) beside the card; returns what the card shall say of them."""
    size = checkpoint.card.image_tower.size or 224
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    with warnings.catch_warnings():
        # Tracing warns of each Python branch in timm's padding code; the parity test judges the result.
        warnings.simplefilter("ignore")
        graph = openvino.convert_model(image_tower(checkpoint), example_input=example)
    graph.reshape([-1, size, size, 3])
    path = checkpoint.folder / "image.xml"
    openvino.save_model(graph, str(path), compress_to_fp16=True)
    return {
        "openvino.image": weight_file(path),
        "openvino.image.bin": weight_file(path.with_suffix(".bin")),
    }


def export_again(checkpoint: Checkpoint) -> Checkpoint:
    """Make the graph anew from the torch weights, and let the card name the new files."""
    card = checkpoint.card
    card = card.model_copy(update={"weights": card.weights | export_openvino(checkpoint)})
    beside = checkpoint.folder / "card.json.new"
    beside.write_text(json.dumps(card.model_dump(mode="json"), indent=1) + "\n", encoding="utf-8")
    beside.replace(checkpoint.folder / "card.json")
    return Checkpoint(checkpoint.folder)


def weight_file(path: Path) -> WeightFile:
    """What a card says of a file that lies beside it."""
    return WeightFile(file=path.name, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
