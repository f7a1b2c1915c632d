"""`sketchseek key`: makes an API key. Nothing is stored: the entry goes into the settings, the key to its user."""

import click

from service.asgi import keys


@click.command("key")
@click.option("--admin", is_flag=True, help="Also allow reloading and reindexing.")
def command(admin: bool) -> None:
    """Create a key for the HTTP API. Prints the entry for the service's settings, and the key itself once."""
    key, entry = keys.make(admin=admin)
    click.echo(f"The key, which nothing keeps for you: {key}", err=True)
    click.echo(entry)
