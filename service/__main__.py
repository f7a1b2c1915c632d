"""Entry point of `sketchseek` and `python -m service`. Installs signal handlers before loading anything else."""

from service.ops import signals


def main() -> None:
    signals.begin()
    from service.cli import main as command

    command()


if __name__ == "__main__":
    main()
