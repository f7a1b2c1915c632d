"""`sketchseek search`: one drawing, the best photos as a table, as JSON, or opened in a viewer."""

import json
from pathlib import Path

import click

from indexer import Hit, Published
from model import SKETCH_CAPS, BadImage, Encoder, decode
from service.commands import index_option, model_options, shown


@click.command("search")
@click.argument("sketch", type=click.Path(path_type=Path))
@index_option(required=True)
@click.option("-k", default=10, show_default=True, type=click.IntRange(1), help="How many photos.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list for programs.")
@click.option("--open", "open_best", is_flag=True, help="Open the best photo in your picture viewer.")
@model_options
def command(
    sketch: Path, index: Path, k: int, as_json: bool, open_best: bool, model: str, engine: str
) -> None:
    """Find the photos that show what the drawing SKETCH shows."""
    encoder = Encoder.load(model, engine=engine)
    published = Published.open(index, encoder.fingerprint)
    for refused in published.refused:
        click.secho(
            f"generation {published.manifest.generation} is searched, for {refused.reason}",
            err=True,
            fg="red",
        )
    try:
        image = decode(sketch, caps=SKETCH_CAPS, keep_alpha=True).image
        query = encoder.sketches([image])
    except BadImage as error:
        raise BadImage(f"{sketch}: {error}") from None
    hits = published.search(query, k)
    if as_json:
        click.echo(json.dumps([_row(hit) for hit in hits], indent=1))
    else:
        for hit in hits:
            gone = "" if hit.photo.path.exists() else "  (gone since it was indexed)"
            click.echo(f"{hit.score:6.3f}  {shown(hit.photo.path)}{gone}")
    if open_best and hits and click.launch(str(hits[0].photo.path)):
        raise click.ClickException("no picture viewer could be started; open the file by hand")


def _row(hit: Hit) -> dict[str, object]:
    photo = hit.photo
    return {
        "id": photo.public_id,
        "score": round(hit.score, 4),
        "path": str(photo.path),
        "width": photo.width,
        "height": photo.height,
    }
