"""`sketchseek`, and `python -m service`: signals are answered before anything else is loaded."""

from service.ops import signals


def main() -> None:
    signals.begin()
    from service.cli import main as command

    command()


if __name__ == "__main__":
    main()
