"""`sketchseek serve`: the page and the HTTP API."""

import contextlib
import errno
import ipaddress
import logging
import socket
from dataclasses import replace
from typing import Any

import click
import uvicorn
from pydantic import ValidationError

from model import SKETCH_CAPS, Encoder
from service.app import create_app
from service.commands import index_option, model_options
from service.gallery import Gallery
from service.settings import Settings


@click.command("serve")
@index_option()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1, this machine alone]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [default: 8000]")
@model_options
def command(**options: Any) -> None:
    """Serve the page and the HTTP API for an index.

    Every option can also be set by an environment variable; docs/settings.md lists them all.
    """
    settings = _settings({name: value for name, value in options.items() if value is not None})
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.INFO)
    listener = _listen(settings)
    caps = replace(
        SKETCH_CAPS,
        max_bytes=settings.max_upload_mb * 2**20,
        max_pixels=settings.max_sketch_megapixels * 1_000_000,
    )
    encoder = Encoder.load(settings.model, engine=settings.engine)
    gallery = Gallery(settings.index, encoder, caps)
    app = create_app(gallery, settings)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"{len(gallery.published)} photos, model {encoder.card.name} ({encoder.engine.name})")
    click.echo(f"Draw at http://{shown}:{port}/  (Ctrl-C stops)")
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=10)
    with contextlib.suppress(KeyboardInterrupt):  # which uvicorn raises again once it has stopped
        uvicorn.Server(config).run(sockets=[listener])


def _settings(options: dict[str, Any]) -> Settings:
    try:
        return Settings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"]))
        raise click.ClickException(f"setting {name} (SKETCHSEEK_{name.upper()}): {first['msg']}") from None


def _listen(settings: Settings) -> socket.socket:
    """Takes the port before anything slow is loaded, and says plainly when it cannot be had."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except UnicodeError:
        raise click.ClickException(f"cannot listen on {settings.host!r}: that is no host name") from None
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                f"{where} is taken by another program; choose another port, such as --port {settings.port + 1}"
            ) from None
        raise click.ClickException(f"cannot listen on {where}: {error.strerror}") from None
    if not ipaddress.ip_address(listener.getsockname()[0]).is_loopback:
        click.secho(
            "Listening beyond this machine: anyone who reaches it sees the photos.", fg="yellow", err=True
        )
    return listener
