"""OpenVINO, loaded without its model converter, which nobody needs who runs a model."""

import importlib
import sys
from typing import Any

# Optional to OpenVINO; it takes longer to load than all the rest, and brings a telemetry client.
_CONVERTER = "openvino.tools.ovc"


def _openvino() -> Any:
    if "openvino" in sys.modules or _CONVERTER in sys.modules:
        return importlib.import_module("openvino")
    sys.modules[_CONVERTER] = None  # type: ignore[assignment]  # as if it were not installed
    try:
        return importlib.import_module("openvino")
    finally:
        del sys.modules[_CONVERTER]


openvino = _openvino()
