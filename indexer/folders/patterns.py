"""Which files of a photo folder are meant: patterns as .gitignore has them, relative to the folder."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from indexer.errors import IndexProblem


@dataclass(frozen=True)
class Patterns:
    """In the order given; of those that match, the last one decides, and one that begins with `!` takes back.

    `*` and `?` stop at a slash, `**` does not. A pattern with a slash before its end holds from the photo folder
    on, any other one at every depth. One that ends in a slash means folders only. What lies in a folder that
    matches is not looked at, so nothing below it can be taken back. There are no comments: `#recycle` is a name.
    """

    # Not by pathspec: it takes `#recycle` for a comment, cuts spaces off, and takes photos back out of excluded folders
    # (`*`, `!*.png`). Catalogues hold patterns that were written for these rules.

    texts: tuple[str, ...] = ()

    @cached_property
    def _rules(self) -> list[tuple[re.Pattern[str], bool, bool]]:
        return [_compiled(text) for text in self.texts]

    def match(self, relative: str, *, folder: bool = False) -> bool:
        """Whether the path itself matches."""
        decided = False
        for pattern, taken_back, folders_only in self._rules:
            if decided == taken_back and (folder or not folders_only) and pattern.fullmatch(relative):
                decided = not taken_back
        return decided

    def match_any(self, relative: str) -> bool:
        """Whether a file, or one of the folders that it lies in, matches."""
        return any(self.match(above, folder=True) for above in _above(relative)) or self.match(relative)


def checked(texts: Sequence[str]) -> tuple[str, ...]:
    """The patterns that say something; raises IndexProblem for one that cannot be understood."""
    for text in texts:
        _compiled(text)
    return tuple(text for text in texts if text.strip("!/ "))


def _above(relative: str) -> list[str]:
    return [relative[: found.start()] for found in re.finditer("/", relative)]


def _compiled(text: str) -> tuple[re.Pattern[str], bool, bool]:
    taken_back = text.startswith("!")
    body = text[taken_back:]
    folders_only = body.endswith("/")
    body = body.rstrip("/")
    anchored = "/" in body
    regex = _regex(body.lstrip("/"))
    try:
        pattern = re.compile(regex if anchored else f"(?:.*/)?{regex}", re.DOTALL)
    except re.error:
        raise IndexProblem(
            f"{text!r}: no pattern of file names; put a \\ before [ to mean it as it is"
        ) from None
    return pattern, taken_back, folders_only


def _regex(glob: str) -> str:
    out, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            out, at = out + "(?:.*/)?", at + 3
        elif glob.startswith("**", at):
            out, at = out + ".*", at + 2
        elif found := re.compile(r"\[([!^]?)(\]?[^\]]*)\]").match(glob, at):
            inverse = "^/" if found[1] else ""
            body = found[2].replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]").replace("^", r"\^")
            out, at = f"{out}[{inverse}{body}]", found.end()
        elif glob[at] == "\\" and at + 1 < len(glob):
            out, at = out + re.escape(glob[at + 1]), at + 2
        else:
            out, at = out + {"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at])), at + 1
    return out
