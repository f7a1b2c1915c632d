"""Load OpenVINO without its model converter, which running a model does not need."""

import importlib
import sys
from typing import Any

# Optional for OpenVINO; it takes longer to load than everything else, and contains a telemetry client.
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
