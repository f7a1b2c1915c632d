"""Prints what pyproject.toml asks for, with the extras named: layers of dependencies need no source code."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
extras = project["optional-dependencies"]
print("\n".join([*project["dependencies"], *(line for name in sys.argv[1:] for line in extras[name])]))
