"""`sketchseek key`: makes an API key. Nothing is stored: the entry goes into the settings, the key to its user."""

import click

from service.asgi import keys


@click.command("key")
@click.option("--admin", is_flag=True, help="Let it reload and reindex, too.")
def command(admin: bool) -> None:
    """Make a key for the HTTP API, and the entry that lets it in."""
    key, entry = keys.make(admin=admin)
    click.echo(f"The key, which nothing keeps for you: {key}", err=True)
    click.echo(entry)
