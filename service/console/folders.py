"""The folder that somebody means by `--folder`: a path as results show it, or as the shell sees it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer import Library


def of_shell(text: str) -> bool:
    """Whether this is clearly a path of this machine, rather than one below a photo folder."""
    return text.startswith(("/", "~", "./", "../")) or text in (".", "..")


def meant(text: str, library: "Library") -> str:
    """The folder for a Filter: below a photo folder if there is one, else where the shell would look for it.

    The path of a photo, as results show it, stands for the folder that it is in.
    """
    from indexer.values import Filter

    def holds(folder: str) -> bool:
        return library.count(Filter(folder=folder)) > 0

    if not of_shell(text) and holds(text):
        return text
    path = Path(os.path.expanduser(text))  # noqa: PTH111 - Path's raises for an unknown user
    if path.is_file():
        path = path.parent
    # Photo folders are kept with their links followed; what is below them is not.
    candidates = dict.fromkeys((os.path.abspath(path), str(path.resolve())))  # noqa: PTH100 - keeps links
    return next(filter(holds, candidates), text)
