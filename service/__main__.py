"""`sketchseek`, and `python -m service`: signals are answered before anything else is loaded."""

from service.ops import ending


def main() -> None:
    ending.begin()
    from service.cli import main as command

    command()


if __name__ == "__main__":
    main()
