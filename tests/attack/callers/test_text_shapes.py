"""Words of every length in batches of every size: engines keep memory for each shape that they see, so they see few."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import Encoder
from model.engines import openvino
from model.engines.cuda_batches import CPU_SIZES, picture_sizes
from model.modality import Modality, Vectors
from model.words.bytepairs import BytePairs
from model.words.tokens import WIDTHS
from tests.kit import TOP

BATCHES = range(1, 17)

MEASURE = """
import re, sys
import numpy as np
from pathlib import Path
from model import Encoder
from model.words.wordpiece import WIDTHS

encoder = Encoder.load("lite", engine="openvino")
kept = lambda: int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) >> 10
texts = lambda count, words: encoder.texts([" ".join(["cat"] * words)] * count)
pixels = lambda count: encoder.engine.embed_images(np.zeros((count, encoder.size, encoder.size, 3), np.uint8))
for count in (16, 4, 2, 1):
    pixels(count)
    for width in WIDTHS:
        texts(count, width - 2)
before = kept()
for words in range(1, 63, 2):
    texts(1, words)
    texts(3, words)
between = kept()
for count in range(1, 17):
    pixels(count)
print(between - before, kept() - between)
"""


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> set[tuple[int, ...]]:
    """Of what reaches OpenVINO, which computes nothing meanwhile."""
    seen: set[tuple[int, ...]] = set()

    def run(_: object, inputs: dict[str, np.ndarray] | list[np.ndarray]) -> Vectors:
        given = inputs["input_ids"] if isinstance(inputs, dict) else inputs[0]
        seen.add(given.shape)
        return np.ones((*given.shape, 384) if given.ndim == 2 else (len(given), 512), np.float32)

    monkeypatch.setattr(openvino._Graph, "__call__", run)
    return seen


def test_whatever_is_asked_few_shapes_reach_the_engine(
    encoder: Encoder, shapes: set[tuple[int, ...]]
) -> None:
    assert encoder.texts(["a cat"]).shape == (1, encoder.dimension)
    assert encoder._words is not None
    for words in range(70):
        tokens = encoder._words(["cat " * words])
        for count in BATCHES:
            batch = type(tokens)(tokens.ids.repeat(count, 0), tokens.mask.repeat(count, 0))
            assert len(encoder.engine.embed_texts(batch)) == count
    assert shapes == {(size, width) for size in CPU_SIZES for width in WIDTHS}
    shapes.clear()
    for count in BATCHES:
        pixels = np.zeros((count, encoder.size, encoder.size, 3), np.uint8)
        assert encoder.engine.embed_images(pixels).shape == (count, encoder.dimension)
    assert {shape[0] for shape in shapes} == set(picture_sizes(os.cpu_count() or 1))


def test_memory_stays_where_it_is_after_few_shapes() -> None:
    """62 shapes of words took 110 MB more before they were padded, 16 batches of pictures 40 to 270 MB."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE], cwd=TOP, capture_output=True, text=True, check=True, timeout=120
    )
    words, pictures = map(int, done.stdout.split())
    assert words < 50
    assert pictures < 25


@pytest.mark.parametrize("engine", ["openvino", "torch"])
def test_padding_and_company_change_no_vector(engine: str) -> None:
    """Against each text alone, in a row of just its length."""
    encoder = Encoder.load("lite", engine=engine)
    texts = [
        "a",
        "a red car",
        "naïve café 北京, a lighthouse by the sea",
        "x" * 200,
        "boat " * 11,
        "sea " * 90,
    ]
    # Without prompts: each of them is a text like these.
    together = encoder.strip(encoder.unstripped.captions(texts), Modality.TEXT)
    assert encoder._words is not None
    for text, vector in zip(texts, together, strict=True):
        tokens = encoder._words([text])
        length = int(tokens.mask.sum())
        bare = type(tokens)(tokens.ids[:, :length], tokens.mask[:, :length])
        sentence = encoder.engine.embed_texts(bare)
        weighed = sentence @ encoder._heads["text.weight"] + encoder._heads["text.bias"]
        alone = encoder.strip(weighed / np.linalg.norm(weighed), "text")[0]  # type: ignore[arg-type]
        assert float(vector @ alone) >= 0.99999


@pytest.mark.parametrize(
    "text",
    [
        "red car " * 125_000,
        "a" + "\u0301\u0316" * 500_000,
        "北京" * 500_000,
        "qzjxvkw" * 150_000,
        "\0" * 10**6,
        "\ud800" * 10**6,
        "\U0001f300\U0001f47a" * 500_000,
        "&#" + "1" * 10**6 + ";",
        "&amp;" * 200_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_a_million_characters_are_read_as_their_beginning(encoder: Encoder, text: str) -> None:
    vector = encoder.texts([text])[0]
    assert float(vector @ encoder.texts([text[:4096]])[0]) == pytest.approx(1)
    open_clip = pytest.importorskip("open_clip", reason="CLIP's words come with open_clip (extra: train)")
    pairs = BytePairs.from_file(Path(open_clip.tokenizer.default_bpe()))
    assert np.array_equal(pairs([text]).ids, pairs([text[:4096]]).ids)
