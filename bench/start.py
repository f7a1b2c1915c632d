"""From the start of Python to the first vector, each time in a new process."""

import statistics
import subprocess
import sys

SCRIPT = """
import time
start = time.perf_counter()
from PIL import Image
from model import Encoder
imported = time.perf_counter()
encoder = Encoder.load("lite", engine="openvino")
loaded = time.perf_counter()
encoder.photos([Image.new("RGB", (224, 224), "red")])
first = time.perf_counter()
import sys
print(imported - start, loaded - imported, first - loaded, first - start, "torch" in sys.modules)
"""


def main() -> None:
    rows = []
    for _ in range(7):
        done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
        rows.append(done.stdout.split())
    for name, column in (("import", 0), ("load", 1), ("first vector", 2), ("together", 3)):
        times = [float(row[column]) for row in rows]
        limit = "   limit: 1.5 s" if name == "together" else ""
        print(f"{name:14}{statistics.median(times):6.2f} s (best {min(times):.2f}){limit}")
    print(f"torch imported: {rows[0][4]}")
