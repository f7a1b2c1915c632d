"""Keep h11, the HTTP parser, linear: it runs in the event loop, where everybody waits for it.

Its regular expression for header fields backtracks over the blanks before a value, and rescans the rest each time:
16,000 blanks followed by an invalid character took two seconds, and sixteen times as many took minutes.
"""

import re

from h11 import _readers

_BLANKS = rb":[ \t]*(?P<field_value>"


def install() -> None:
    """Make the match of the blanks possessive; no value begins with one.

    A newer h11 without that pattern stays unchanged; a test checks that it is linear.
    """
    pattern = _readers.header_field_re.pattern
    _readers.header_field_re = re.compile(pattern.replace(_BLANKS, _BLANKS.replace(b"*", b"*+")))
