"""OpenVINO on the CPU: the default. Nothing here imports torch."""

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model import cores
from model.card import Checkpoint
from model.engines.compiled import compiled
from model.engines.cuda_batches import in_few_sizes, picture_sizes
from model.engines.runtime import openvino
from model.engines.streams import HINT, Streams
from model.modality import Vectors, unit
from model.words.tokens import Tokens

# Full precision on every CPU: bf16, which OpenVINO would choose on some, changes vectors (cosine .9985)
# so that an index made on one machine would not quite match another.
# Weights are read, not mapped: a file truncated in place would kill a process that has it mapped, and one
# overwritten in place would silently change its vectors.
_OPTIONS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY", "ENABLE_MMAP": False}
_IMAGE = ("openvino.image", "openvino.image.bin")


class OpenVinoEngine:
    name = "openvino"
    device = "cpu"
    # Large enough to fill the cores, small enough that a batch of pixels stays in their cache.
    batch = 16
    # Batches of so many pictures are faster in streams, which take a third of a second to compile: after so many, they
    # are worth it.
    many = 8
    worth = 64
    problem: str | None = None

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        words_first: bool = False,
        in_bulk: bool = False,
        cache: Path | None = None,
    ) -> None:
        """Load the image tower, or the text tower for whoever asks with words; the other one when it is needed.

        `in_bulk`: use streams once they are worth it. `cache`: a folder to keep compiled towers in.
        """
        self._core = openvino.Core()
        self._checkpoint = checkpoint
        self._cache = cache
        self._sizes = picture_sizes(cores.usable())
        self._loading = threading.Lock()
        self._in_bulk, self._in_batches = in_bulk, 0
        _ = self._text if words_first else self._image

    def embed_images(self, pixels: NDArray[np.uint8]) -> Vectors:
        if self._in_bulk and len(pixels) >= self.many:
            self._in_batches += len(pixels)
            if self._in_batches > self.worth:
                with self._loading:
                    streams = self._streams
                return streams(pixels)
        with self._loading:
            graph = self._image
        return in_few_sizes(lambda part: graph([pixels[part]]), len(pixels), self._sizes)

    def embed_texts(self, tokens: Tokens) -> Vectors:
        return in_few_sizes(lambda part: self._texts(tokens.ids[part], tokens.mask[part]), len(tokens.ids))

    def _texts(self, ids: NDArray[np.int64], mask: NDArray[np.int64]) -> Vectors:
        with self._loading:
            graph = self._text
        if self._checkpoint.card.text_is_aligned:
            return graph([ids])
        hidden = graph({"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})
        weight = mask[:, :, None].astype(np.float32)
        return unit((hidden * weight).sum(axis=1) / weight.sum(axis=1))

    @cached_property
    def _image(self) -> "_Graph":
        return _Graph(self._tower(_OPTIONS, *_IMAGE))

    @cached_property
    def _streams(self) -> Streams:
        return Streams(self._tower({**_OPTIONS, "PERFORMANCE_HINT": HINT}, *_IMAGE))

    @cached_property
    def _text(self) -> "_Graph":
        return _Graph(self._tower(_OPTIONS, "openvino.text"))

    def _tower(self, options: dict[str, Any], graph: str, *weights: str) -> openvino.CompiledModel:
        files = [self._checkpoint.file(part) for part in (*weights, graph)]
        made_of = {part: self._checkpoint.card.weights[part].sha256 for part in (graph, *weights)}
        if (most := cores.limit()) is not None:
            options = {**options, "INFERENCE_NUM_THREADS": most}
        return compiled(self._core, files[-1], made_of, options, self._cache)


class _Graph:
    """A compiled network with one inference request per calling thread."""

    def __init__(self, network: openvino.CompiledModel) -> None:
        self._compiled = network
        self._mine = threading.local()

    def __call__(self, inputs: object) -> Vectors:
        request = getattr(self._mine, "request", None)
        if request is None:
            request = self._mine.request = self._compiled.create_infer_request()
        result: Vectors = request.infer(inputs)[0].copy()
        return result
