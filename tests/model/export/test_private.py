"""What is exported on this computer is nobody else's business."""

import os
import subprocess
import sys
from pathlib import Path

from tests.kit import TOP

SCRIPT = """
import sys
import torch
from model.export.openvino import graph_of

assert graph_of(torch.nn.Linear(2, 2), torch.zeros(1, 2)).inputs
print([name for name in sys.modules if "telemetry" in name and not name.startswith("openvino.tools")])
"""


def test_the_converter_tells_nobody(tmp_path: Path) -> None:
    """OpenVINO's converter reports each conversion if it finds its telemetry client, which leaves a file here."""
    settings = {name: value for name, value in os.environ.items() if name not in ("CI", "TF_BUILD")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        check=True, cwd=TOP, env=settings | {"HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
    assert not (tmp_path / "intel").exists()
