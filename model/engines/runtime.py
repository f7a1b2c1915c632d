"""Load OpenVINO without its model converter, which running a model does not need, and that without telemetry."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# Optional for OpenVINO; it takes longer to load than everything else.
_CONVERTER = "openvino.tools.ovc"
# Optional for the converter; it tells Intel, by way of Google, what is converted on this computer.
_TELEMETRY = "openvino_telemetry"


@contextmanager
def _without(package: str) -> Iterator[None]:
    """As if a package that has not been loaded yet were not installed."""
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def _openvino() -> Any:
    if "openvino" in sys.modules:
        return importlib.import_module("openvino")
    with _without(_CONVERTER):
        return importlib.import_module("openvino")


def converter() -> Any:
    """The converter of torch networks: `openvino.convert_model`."""
    with _without(_TELEMETRY):
        return importlib.import_module(_CONVERTER).convert_model


openvino = _openvino()
