"""python -m bench [NAME...]: the figures of docs/speed.md, or the benchmarks named.

`speed`, `scale` and `gpu` have options: see python -m bench speed --help and so on.
"""

import importlib
import os
import platform
import sys

from bench.timing import processor

NAMES = ("encode", "speed")
SLOW = (
    "start", "index", "indexing", "codes", "scanning", "reindex", "page", "timeline", "firstrun", "service", "stores",
    "secondstage", "store", "ray",
)  # fmt: skip
# These have options of their own.
GROUPS = ("scale", "gpu")


def main() -> None:
    names = sys.argv[1:] or NAMES
    if names[0] in ("-h", "--help"):
        print(
            f"{__doc__}\nNames: {', '.join((*NAMES, *SLOW, *GROUPS))}; without one, {' and '.join(NAMES)}: ten minutes."
        )
        return
    if names[0] in ("speed", *GROUPS):
        importlib.import_module(f"bench.{names[0]}.command").main(list(names[1:]))
        return
    unknown = set(names) - {*NAMES, *SLOW}
    if unknown:
        sys.exit(
            f"unknown benchmark {', '.join(sorted(unknown))}: choose from {', '.join((*NAMES, *SLOW, *GROUPS))}"
        )
    print(
        f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )
    for name in names:
        print(f"\n== {name}")
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
