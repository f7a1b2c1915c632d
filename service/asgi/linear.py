"""Keeps h11, the parser of HTTP, linear: it runs in the event loop, where everybody waits for it.

Its pattern of a header field gives back the blanks before a value one by one, and each time looks at the rest anew:
16,000 blanks and then an odd character took two seconds, and sixteen times as many took minutes.
"""

import re

from h11 import _readers

_BLANKS = rb":[ \t]*(?P<field_value>"


def install() -> None:
    """The same pattern, but that blanks are kept once they are taken: no value begins with one.

    A newer h11 without that pattern is left as it is; a test holds it to be linear.
    """
    pattern = _readers.header_field_re.pattern
    _readers.header_field_re = re.compile(pattern.replace(_BLANKS, _BLANKS.replace(b"*", b"*+")))
