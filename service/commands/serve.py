"""`sketchseek serve`: the web page and the HTTP API."""

import contextlib
import errno
import ipaddress
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from pydantic import ValidationError

from indexer.empty import create
from indexer.library import shelf
from indexer.stores.placement import DEVICES, Placement
from model import SKETCH_CAPS, Caps, Encoder, SketchseekError, gpu
from model.card import Checkpoint
from service.asgi import keys
from service.console import browsing
from service.console.options import Place, index_option, model_options, store_option_alone
from service.model_choice import model_for, successor
from service.ops import logging, memory, signals, starting
from service.settings import Settings, access, said

if TYPE_CHECKING:
    from fastapi import FastAPI

    from service.search.gallery import Gallery


# How many ports it tries.
_PORTS = 10


@click.command("serve")
@index_option()
@store_option_alone
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1, this machine only]")
@click.option("--port", type=int, help="Port to listen on; 0 picks a free one.  [default: 8000]")
@click.option("--allow-anyone", is_flag=True, help="Accept connections from other machines without a key.")
@click.option(
    "--config",
    type=Place(exists=True, dir_okay=False),
    help="Settings file.  [default: sketchseek.toml, if it exists]",
)
@click.option(
    "--index-device",
    type=click.Choice(DEVICES),
    help="What searches the index.  [default: auto]",
)
@click.option(
    "--rank",
    metavar="NAME",
    help="Order of the results of searches that do not name one.  [default: the model's choice]",
)
@click.option(
    "--browser/--no-browser",
    default=None,
    help="Open the page in your browser.  [default: only if no command was given]",
)
@click.option("--alone", is_flag=True, hidden=True, help="What `sketchseek` without a command does.")
@model_options
@click.pass_context
def command(ctx: click.Context, /, config: Path | None, alone: bool, **options: Any) -> None:
    """Serve the web page and the HTTP API. Without an index, choose your photo folders in the page.

    You can set every option with an environment variable or in a settings file, too, along with many more:
    https://github.com/sketchseek/sketchseek/blob/main/docs/settings.md
    """
    memory.give_back()
    if config is not None:
        os.environ["SKETCHSEEK_CONFIG"] = str(config)
    chosen = {name: value for name, value in options.items() if _chosen(ctx, name)}
    settings = _settings(chosen)
    logging.configure(settings.log_format, settings.log_level)
    keyring = keys.read(settings.api_keys, settings.api_keys_file)
    browser = alone if settings.browser is None else settings.browser
    if alone and "port" not in settings.model_fields_set:
        settings, running = _free_port(settings)
        if running:
            click.echo(f"Already running: draw at {running}")
            if browser:
                browsing.show(running, wait=True)
            return
    listener = _listen(settings, keyring)
    with starting.importing():
        app, gallery = _load(settings)
        from service.asgi.connections import allow_files, server  # `_load` has loaded it

    allow_files(settings.max_connections)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    _tell(gallery)
    click.echo(f"Draw at http://{shown}:{port}/  (press Ctrl-C to stop)")
    if browser:
        # It may connect before the server runs, and wait.
        browsing.show(f"http://{shown}:{port}/")
    signals.leave()
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after stopping
        server(app, settings).run(sockets=[listener])


def _load(settings: Settings) -> "tuple[FastAPI, Gallery]":
    """Load the model and check the index on other cores while this one imports the web framework."""
    index = settings.index.expanduser()
    if settings.store:
        # For marks and thumbnails; whoever may not write there serves without.
        with contextlib.suppress(SketchseekError):
            create(index)
    caps = upload_caps(settings)
    placement = Placement(settings.index_device, settings.gpu_index, settings.index_memory_mb * 2**20)
    source = shelf(settings.store or index, placement, access(settings))
    # Not kept in the settings: if another model makes the library later, its next runs are with that one.
    model = model_for(settings.model, index, source)
    card = Checkpoint.find(model).card
    memory = settings.encoder_memory_mb * 2**20
    with ThreadPoolExecutor(2) as pool:
        from service.search.gallery import Gallery, opened

        cache = starting.user_cache()
        load = partial(_warmed, engine=settings.engine, memory=memory, cache=cache)
        loading = pool.submit(load, model)
        if gpu.seems_there():
            # The index gets the GPU memory that the model leaves.
            loading.result()
        opening = pool.submit(opened, source, card)
        starting.load_framework()
        import service.asgi.connections  # noqa: F401
        from service.app import create_app

        follow = None if settings.model else successor(index, source, load)
        gallery = Gallery(index, loading.result(), caps, opening.result(), source, follow)
    return create_app(gallery, settings), gallery


def _tell(gallery: "Gallery") -> None:
    """Say what is served; a variable of `command` would keep the first model in memory when another replaces it."""
    encoder, published = gallery.encoder, gallery.published
    engine = encoder.engine
    click.echo(
        f"{len(published)} photos on {published.device}{', live' if published.manifest.live else ''}, "
        f"model {encoder.card.name} with {engine.name} on {engine.device}"
    )
    if gallery.served.away:
        click.secho(f"Searches have to wait: {gallery.problem}", fg="yellow", err=True)


def _warmed(model: str, **how: Any) -> Encoder:
    """A model that has encoded: the first search is as quick as others."""
    encoder = Encoder.load(model, **how)
    encoder.warm(1)
    return encoder


def upload_caps(settings: Settings) -> Caps:
    """The limits on pictures that clients send."""
    return replace(
        SKETCH_CAPS,
        max_bytes=settings.max_upload_mb * 2**20,
        max_pixels=settings.max_sketch_megapixels * 1_000_000,
        # Whoever sits at this machine sends photos of their own.
        raw=settings.loopback and not settings.proxied,
    )


def _free_port(settings: Settings) -> tuple[Settings, str | None]:
    """The settings with a port that is free, or else the address of a service that shows this same index already."""
    for port in range(settings.port, settings.port + _PORTS):
        with contextlib.suppress(click.ClickException), contextlib.closing(_bound(settings.host, port)):
            return settings.model_copy(update={"port": port}), None
        if browsing.serves(address := f"http://127.0.0.1:{port}/", settings.index):
            return settings, address
    return settings.model_copy(update={"port": 0}), None


def _chosen(ctx: click.Context, name: str) -> bool:
    """Whether an option was set explicitly or by the environment: its default must not override the settings file."""
    return ctx.get_parameter_source(name) is not ParameterSource.DEFAULT


def _settings(options: dict[str, Any]) -> Settings:
    try:
        return Settings(**options)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"]))
        raise click.ClickException(f"setting {name} (SKETCHSEEK_{name.upper()}): {said(first)}") from None


def _listen(settings: Settings, keyring: keys.Keyring) -> socket.socket:
    """Bind the port before loading anything slow, with a clear error if that fails."""

    def check(address: str) -> None:
        if not ipaddress.ip_address(address).is_loopback and not keyring:
            _warn_or_refuse(settings)

    return _bound(settings.host, settings.port, check)


def _bound(host: str, port: int, check: Callable[[str], None] = lambda _: None) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        check(str(address[0]))
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(128)
        except OSError:
            listener.close()
            raise
    except UnicodeError:
        raise click.ClickException(f"cannot listen on {host!r}: not a host name") from None
    except OSError as error:
        where = f"{host}:{port}"
        if error.errno == errno.EADDRINUSE:
            raise click.ClickException(
                f"{where} is in use by another program; choose another port, such as --port {port + 1}"
            ) from None
        raise click.ClickException(f"cannot listen on {where}: {error.strerror}") from None
    return listener


def _warn_or_refuse(settings: Settings) -> None:
    """Accept other machines without a key only if that is explicitly allowed."""
    if not settings.allow_anyone:
        raise click.ClickException(
            f"listening on {settings.host} shows the photos to anyone who can reach it: create a key with "
            "sketchseek key, or add --allow-anyone"
        )
    click.secho(
        "Other machines can connect without a key: anyone who does sees the photos.", fg="yellow", err=True
    )
