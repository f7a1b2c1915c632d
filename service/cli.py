"""The `sketchseek` command: a group of subcommands, each loaded only when used."""

import difflib
import errno
import importlib
import io
import os
import signal
import sys
from collections.abc import Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from model.links import DOCS
from service.console.examples import EXAMPLES
from service.ops import signals, starting, threads

# Command: (module, summary). Loading the model libraries just to print --help would take a second.
_COMMANDS = {
    "index": ("service.commands.index", "Create or update an index of your photo folders."),
    "merge": ("service.commands.merge", "Combine the parts of a library into one index."),
    "search": ("service.commands.search", "Find photos of whatever you drew."),
    "explain": ("service.commands.explain", "Show why a photo fits a drawing."),
    "serve": ("service.commands.serve", "Serve the web page and the HTTP API."),
    "key": ("service.commands.key", "Create a key for the HTTP API."),
    "status": ("service.commands.status", "Show the state of an index and any problems."),
    "doctor": ("service.commands.doctor", "Check your setup and suggest fixes."),
    "verify": ("service.commands.verify", "Check an index for damaged files."),
    "rollback": ("service.commands.rollback", "Go back to the previous generation."),
    "prune": ("service.commands.prune", "Remove old generations."),
    "completion": ("service.commands.completion", "Print the shell completion script."),
    "train": ("model.training.command", "Train a model on drawings, photos, and class names."),
    "train-parts": (
        "model.training.parts.command",
        "Give a model the local head that compares part by part.",
    ),
    "compare": ("model.comparison.command", "Compare training methods on your own data."),
    "blend": ("service.commands.models.blend", "Average the weights of several training runs."),
    "join": ("service.commands.models.join", "Put the networks of several models side by side in one."),
    "looks": (
        "service.commands.models.looks",
        "Make a model slower and stronger: it looks at pictures twice.",
    ),
    "whiten": ("service.commands.models.whiten", "Ask with what tells a drawing, or words, from others."),
    "bank": ("service.commands.models.bank", "Give a finished model its bank, which keeps rankings fair."),
    "evaluate": ("service.commands.models.evaluate", "Measure a model's accuracy on your own data."),
    "export": ("service.commands.models.export", "Rebuild a model's OpenVINO graph from its torch weights."),
}


# Those that go on wherever they were stopped.
_RESUMED = ("train", "train-parts", "compare")
# Those that answer searches.
_CALM = ("search", "explain", "serve")


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        if cmd_name in _CALM:
            threads.stay_calm()
        if cmd_name in _RESUMED:
            signals.keep_work()
        try:
            with starting.importing():
                module = importlib.import_module(_COMMANDS[cmd_name][0])
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] in ("model", "indexer", "service"):
                raise  # ours: no extra brings it
            needed = f"sketchseek {cmd_name} needs {error.name}: pip install 'sketchseek[train]'"
            raise click.ClickException(needed) from None
        command: click.Command = module.command
        command.epilog = _with_examples(module.command.epilog, EXAMPLES[cmd_name])
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Without any argument: serve, and open the page in a browser."""
        if not args and not ctx.resilient_parsing:
            args = ["serve", "--alone"]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # Before its libraries load: that takes long enough for a signal to arrive.
        if args[:1] == ["serve"]:
            signals.listen_for_reload()
        if args and args[0] not in _COMMANDS and args[0][:1] not in ("", "-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {args[0]!r}.{_suggestion(args[0])}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete without loading the commands, which would be too slow for a Tab."""
        named = [CompletionItem(name, help=text) for name, (_, text) in _COMMANDS.items()]
        fitting = [item for item in named if item.value.startswith(incomplete)]
        return fitting + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _COMMANDS.items()])

    def main(self, *args: Any, **options: Any) -> Any:
        if not args and options.get("args") is None:  # called with the process's own arguments
            signals.begin()
        return super().main(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        _open_missing_streams()
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            found = super().invoke(ctx)
            sys.stdout.flush()
            return found
        except KeyboardInterrupt as stopped:
            signals.say()
            sys.exit(128 + getattr(stopped, "number", signal.SIGINT))
        except Exception as error:
            # Imported late, so that --help does not wait for numpy.
            from model.errors import SketchseekError

            if isinstance(error, SketchseekError):
                click.ClickException(str(error)).show()
                sys.exit(error.exit_status)
            if isinstance(error, OSError) and error.filename is None and error.errno != errno.EPIPE:
                _output_failed(error)
            raise


def _suggestion(name: str) -> str:
    """The commands that are spelled like a name; click itself suggests only options."""
    near = [name.lower()] if name.lower() in _COMMANDS else difflib.get_close_matches(name.lower(), _COMMANDS)
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def _output_failed(error: OSError) -> None:
    """Report that stdout failed: it is the only file without a name that a command reads or writes."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # flushing the rest at exit must not fail again
    click.ClickException(f"cannot write the output: {error.strerror}").show()
    sys.exit(1)


def _open_missing_streams() -> None:
    """Replace streams that the caller closed, which Python sets to None, by /dev/null."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_WRONLY)
            if null != number:
                os.dup2(null, number)
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8"))


def _with_examples(epilog: str | None, lines: Iterable[str]) -> str:
    """Add the examples once, although a command may be loaded twice."""
    examples = "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))
    return epilog if epilog and examples in epilog else "\n\n".join(filter(None, (epilog, examples)))


@click.group(
    cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]}, epilog=f"Documentation: {DOCS}"
)
@click.version_option(package_name="sketchseek")
def main() -> None:
    """Sketch something, and find the photos of it in your own collection.

    Without a command, it opens a page in your browser where you choose your photo folders and draw.

    \b
    sketchseek index ~/Pictures --index ~/.sketchseek
    sketchseek search drawing.png --index ~/.sketchseek
    sketchseek serve --index ~/.sketchseek
    """


if __name__ == "__main__":
    sys.exit(main())
