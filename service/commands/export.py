"""`sketchseek export`: the OpenVINO graph of a model folder, made anew from its torch weights."""

import importlib.util
from pathlib import Path

import click

from model.card import Checkpoint
from model.errors import NoEngine


@click.command("export")
@click.argument("folder", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Write image.xml and image.bin of the model in FOLDER again, and let its card name them."""
    checkpoint = Checkpoint(folder)
    for needed in ("torch", "timm", "openvino"):
        if importlib.util.find_spec(needed) is None:
            raise NoEngine(f"exporting needs {needed}: pip install 'sketchseek[cpu,train]'")
    from model.export import export

    fresh = export(checkpoint)
    graph = fresh.card.weights["openvino.image"].file
    click.echo(f"{folder}: {graph} written, fingerprint {fresh.card.fingerprint}")
