"""From photos to a published index, compared with the rates of its slowest parts alone."""

import tempfile
import time
from pathlib import Path

from PIL import Image

from bench.timing import measure
from indexer import Silent, run
from model import Encoder, decode

COUNT = 200
SIZE = (2000, 1500)


def main() -> None:
    encoder = Encoder.load("lite", engine="openvino")
    with tempfile.TemporaryDirectory() as scratch:
        photos = Path(scratch) / "photos"
        photos.mkdir()
        noise = Image.effect_noise((SIZE[0] // 4, SIZE[1] // 4), 90).resize(SIZE)
        for number in range(COUNT):
            noise.rotate(number, fillcolor=number).convert("RGB").save(photos / f"{number}.jpg", quality=85)
        one = (photos / "0.jpg").read_bytes()
        image = decode(one, shortest=224).image
        pixels = [encoder.prepare_photo(image)] * 16
        scaled = 1000 / measure(lambda: decode(one, shortest=224), seconds=2).median
        full = 1000 / measure(lambda: decode(one), seconds=2).median
        encode = 16_000 / measure(lambda: encoder.encode_photos(pixels), seconds=2).median
        print(f"{COUNT} JPEGs of {SIZE[0]} x {SIZE[1]}, {len(one) >> 10} kB each")
        print(f"decode alone, one core  {scaled:7.0f} photos/s   (without scaled decoding {full:.0f})")
        print(f"encode alone, all cores {encode:7.0f} photos/s")
        index = Path(scratch) / "index"
        for name in ("first run", "second run, nothing changed"):
            start = time.perf_counter()
            run(index, [photos], encoder, Silent())
            taken = time.perf_counter() - start
            print(
                f"{name:30}{taken:6.2f} s"
                + (f"  {COUNT / taken:.0f} photos/s" if name == "first run" else "")
            )
