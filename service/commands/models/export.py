"""`sketchseek export`: rebuild the OpenVINO graph of a model folder from its torch weights."""

from pathlib import Path

import click

from model.card import Checkpoint
from service.console.options import Place, needs


@click.command("export")
@click.argument("folder", type=Place())
def command(folder: Path) -> None:
    """Rebuild image.xml and image.bin of the model in FOLDER, and update its card."""
    checkpoint = Checkpoint(folder)
    needs("exporting", "torch", "timm", "openvino")
    from model.export.openvino import export

    fresh = export(checkpoint)
    graph = fresh.card.weights["openvino.image"].file
    click.echo(f"{folder}: wrote {graph}, fingerprint {fresh.card.fingerprint}")
