"""Encode one sketch: the shipped model, compared with torch eager and a ViT-B/32 of the same torch."""

import numpy as np
from PIL import Image, ImageDraw

from bench.timing import measure
from model import Encoder


def main() -> None:
    import open_clip
    import torch

    drawing = Image.new("RGB", (512, 512), "white")
    ImageDraw.Draw(drawing).ellipse((100, 150, 400, 350), outline="black", width=5)
    encoder = Encoder.load("lite", engine="openvino")
    reference = Encoder.load("lite", engine="torch")
    pixels = encoder.prepare_sketch(drawing)
    batch = [pixels] * 16
    vit = open_clip.create_model("ViT-B-32", pretrained=None).eval()
    scaled = torch.from_numpy(np.stack([pixels])).permute(0, 3, 1, 2).float() / 127.5 - 1

    def vit_encode() -> None:
        with torch.inference_mode():
            vit.encode_image(scaled)

    print(f"torch {torch.__version__} with {torch.get_num_threads()} threads; {pixels.shape[0]} px; float32")
    tidy = measure(lambda: encoder.prepare_sketch(drawing))
    ours = measure(lambda: encoder.encode_sketches([pixels]))
    eager = measure(lambda: reference.encode_sketches([pixels]))
    large = measure(vit_encode)
    print(f"tidy a 512 px drawing          {tidy}")
    print(f"lite, OpenVINO                 {ours}   limit: 8 ms")
    print(f"lite, torch eager              {eager}   {eager.median / ours.median:.1f} x")
    print(f"ViT-B/32, torch, random weights{large}   {large.median / ours.median:.1f} x")
    rate = 16_000 / measure(lambda: encoder.encode_sketches(batch)).median
    print(f"lite, OpenVINO, batches of 16: {rate:.0f} pictures/s")
