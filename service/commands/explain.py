"""`sketchseek explain`: why a photo fits a drawing, as a picture or as JSON, without an index."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.console.options import Place, model_options, shown

if TYPE_CHECKING:
    from PIL import Image


@click.command("explain")
@click.argument("sketch", type=Place())
@click.argument("photo", type=Place())
@click.option("--out", type=Place(dir_okay=False), help="Write a picture of what matches to this PNG file.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, as POST /explain answers.")
@model_options
def command(
    sketch: Path, photo: Path, out: Path | None, as_json: bool, model: str | None, engine: str
) -> None:
    """Show which parts of the drawing SKETCH match which parts of PHOTO, and how much each counts.

    --out writes both side by side, with lines between what matches, and the drawing rebuilt from the photo.
    """
    # Imported only now: --help must not wait for numpy.
    from model import PHOTO_CAPS, SKETCH_CAPS, Encoder, decode
    from model.errors import BadImage
    from service.explaining import comparing, pictures
    from service.explaining.describing import described
    from service.model_choice import chosen_model
    from service.ops import starting
    from service.problems import ServiceError

    def opened(path: Path, **how: object) -> "Image.Image":
        try:
            return decode(path, **how).image  # type: ignore[arg-type]
        except BadImage as error:
            raise BadImage(shown(str(error) if str(path) in str(error) else f"{path}: {error}")) from None

    if out is not None and out.suffix.lower() != ".png":
        raise click.ClickException(shown(f"{out}: can only write PNG; name it {out.stem}.png"))
    drawn, seen = opened(sketch, caps=SKETCH_CAPS, keep_alpha=True), opened(photo, caps=PHOTO_CAPS)
    try:
        encoder = Encoder.load(chosen_model(model), engine=engine, cache=starting.user_cache())
        pair = comparing.prepared(encoder, drawn, seen)
        (cells,) = comparing.encoded(encoder, [pair])
    except ServiceError as error:
        raise click.ClickException(error.detail) from None
    except BadImage as error:
        raise BadImage(shown(f"{sketch}: {error}")) from None
    found = comparing.compared(encoder, pair, cells)
    if out is not None:
        try:
            pictures.figure(found, drawn, seen).save(out, "PNG")
        except OSError as error:
            raise click.ClickException(shown(f"{out}: cannot write it: {error.strerror}")) from None
    if as_json:
        click.echo(json.dumps(described(found, "", encoder.card.name).model_dump(), indent=1))
        return
    for part in found.parts:
        click.echo(f"{pictures.share_of(part, found):4.0%}  {part.text}")
