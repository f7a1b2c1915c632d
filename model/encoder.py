"""The public interface of the model: pictures and words in, semantic vectors out."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import load_file

from model.backbones import BACKBONES
from model.bank import Bank, read_bank
from model.card import LOCAL, Card, Checkpoint
from model.engines import Engine, Wishes, open_engine
from model.errors import BadWeights, NoTextTower
from model.local.local import Local
from model.local.parts import Cells
from model.methods import METHODS
from model.modality import WHITENING, Modality, Pixels, Vectors, strip, unit, whitened
from model.pictures.preprocess import photo_pixels, shortest_for, sketch_pixels
from model.pictures.preprocessing import Preprocessing
from model.rerankers import RERANKERS
from model.words.tokenizers import Tokenizer, open_tokenizer

Item = TypeVar("Item")
_ARTICLE = re.compile(r"\s*(an?|the|my|our|some|two|three|many|[0-9]+)\s", re.IGNORECASE)


@dataclass(frozen=True)
class Encoded:
    """Pictures of one kind, encoded in one pass: semantic vectors (n, d) and, with a local head, cells."""

    vectors: Vectors
    cells: Cells | None = None


class Encoder:
    """Encode sketches, photos and words as unit vectors in one space. Start with `Encoder.load()`.

    >>> encoder = Encoder.load("lite")
    >>> encoder.sketches([drawing]) @ encoder.photos(pictures).T
    """

    def __init__(self, checkpoint: Checkpoint, engine: Engine) -> None:
        self.card: Card = checkpoint.card
        self.engine = engine
        self._checkpoint = checkpoint
        self._size = self.card.image_tower.size or 224
        self._heads = _load_heads(checkpoint)
        self._encodings = {kind: self._heads.get(f"encoding.{kind}") for kind in Modality}
        self._words: Tokenizer | None = None

    @classmethod
    def load(
        cls,
        name_or_path: str | Path = "lite",
        *,
        engine: str = "auto",
        memory: int = 0,
        words_first: bool = False,
        in_bulk: bool = False,
        cache: Path | None = None,
    ) -> "Encoder":
        """Load a shipped model by name, or a folder with a card; engine is auto, openvino, torch or torch-cuda.

        `memory`: bytes of GPU memory that one batch may use; 0 for a share of what is free. `words_first`: load what
        encodes words now, and what encodes pictures when it is needed. `in_bulk`: many pictures will come in batches,
        and encoding them sooner is worth more memory. `cache`: a folder where the next start finds what takes long to
        prepare; OpenVINO only.
        """
        checkpoint = Checkpoint.find(name_or_path)
        _check_names(checkpoint)
        return cls(checkpoint, open_engine(engine, checkpoint, Wishes(memory, words_first, in_bulk, cache)))

    @property
    def dimension(self) -> int:
        return self.card.dimension

    @property
    def batch(self) -> int:
        """The best number of pictures to encode at once."""
        return self.engine.batch

    @property
    def size(self) -> int:
        """The side of the image tower's square input, in pixels."""
        return self._size

    @property
    def preparation(self) -> Preprocessing:
        """How pictures are prepared for the image tower."""
        return self.card.preparation

    @property
    def shortest(self) -> int:
        """The `shortest` with which to decode photos."""
        return shortest_for(self._size, self.preparation)

    def warm(self, pictures: int) -> None:
        """Encode so many blank pictures at once: the first of each number take several times as long as others."""
        self.engine.embed_images(np.zeros((pictures, self._size, self._size, 3), dtype=np.uint8))

    @property
    def fingerprint(self) -> str:
        """Only vectors with the same fingerprint can be compared."""
        return self.card.fingerprint

    @cached_property
    def local(self) -> Local | None:
        """What compares pictures part by part; None if the model has no local head."""
        if not self._checkpoint.has(LOCAL):
            return None
        digest = f"{self.fingerprint} {self.card.weights[LOCAL].sha256}"
        return Local(self._checkpoint.file(LOCAL), digest)

    @cached_property
    def bank(self) -> Bank | None:
        """What photos are weighed against when an index is published; None if the model has no bank."""
        if not self._checkpoint.has("bank"):
            return None
        return read_bank(self._checkpoint.file("bank"), self.fingerprint, self.dimension)

    def sketches(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode RGB drawings, or RGBA ones on a transparent sheet; raises EmptyDrawing if one has no line."""
        return self.strip(self.unstripped.sketches(images), Modality.SKETCH)

    def photos(self, images: Sequence[Image.Image]) -> Vectors:
        """Encode RGB photos."""
        return self.strip(self.unstripped.photos(images), Modality.PHOTO)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """Encode words, such as "a red car"; raises NoTextTower if the model has no text tower."""
        return self.strip(self.unstripped.texts(texts), Modality.TEXT)

    @property
    def unstripped(self) -> "Unstripped":
        """The towers' own embeddings, which `strip` turns into semantic vectors."""
        return Unstripped(self)

    def strip(self, embeddings: Vectors, kind: Modality) -> Vectors:
        """Turn unit embeddings of that kind into semantic vectors."""
        semantic, whitening = strip(embeddings, self.encoding(kind)), self._heads.get(f"{WHITENING}{kind}")
        return semantic if whitening is None else whitened(semantic, whitening)

    def encoding(self, kind: Modality) -> Vectors:
        """The modality encoding that this model subtracts from embeddings of that kind."""
        encoding = self._encodings[kind]
        if encoding is None:
            raise BadWeights(f"model {self.card.name!r} has no encoding for {kind}; its heads are incomplete")
        return encoding

    # The same in two steps, for callers that prepare in many threads and encode in one.

    def prepare_sketch(self, image: Image.Image) -> Pixels:
        return sketch_pixels(image, self._size, self.preparation)

    def prepare_photo(self, image: Image.Image) -> Pixels:
        return photo_pixels(image, self._size, self.preparation)

    def encode_sketches(self, prepared: Sequence[Pixels]) -> Vectors:
        return self.encode(prepared, Modality.SKETCH).vectors

    def encode_photos(self, prepared: Sequence[Pixels]) -> Vectors:
        return self.encode(prepared, Modality.PHOTO).vectors

    def encode(self, prepared: Sequence[Pixels], kind: Modality) -> Encoded:
        """Encode prepared sketches or photos, whole and, if the model has a local head, in parts."""
        found = self.unstripped.encode(prepared)
        return Encoded(self.strip(found.vectors, kind), found.cells)

    def _embed_texts(self, texts: Sequence[str]) -> Vectors:
        if not self.reads_words:
            raise NoTextTower(f"model {self.card.name!r} has no text tower: search with a drawing or a photo")
        if self._words is None:
            tower = self.card.text_tower
            self._words = open_tokenizer(
                self._checkpoint.file("words"), None if tower is None else tower.size
            )
        sentences = self.engine.embed_texts(self._words(texts))
        weight, bias = self._heads.get("text.weight"), self._heads.get("text.bias")
        # A text tower trained together with the image tower needs no mapping into its space.
        return sentences if weight is None or bias is None else unit(sentences @ weight + bias)

    @property
    def reads_words(self) -> bool:
        """Whether `texts` works with this model."""
        aligned = self.card.text_is_aligned or "text.weight" in self._heads
        return aligned and self._checkpoint.has("words")

    def _in_batches(self, items: Sequence[Item], encode: Callable[[Sequence[Item]], Vectors]) -> Vectors:
        parts = [encode(items[start : start + self.batch]) for start in range(0, len(items), self.batch)]
        return np.concatenate(parts) if parts else np.empty((0, self.dimension), dtype=np.float32)


class Unstripped:
    """An encoder's embeddings, for comparisons and figures; no index accepts them, since they have no fingerprint."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder

    def sketches(self, images: Sequence[Image.Image]) -> Vectors:
        return self._images(images, self._encoder.prepare_sketch)

    def photos(self, images: Sequence[Image.Image]) -> Vectors:
        return self._images(images, self._encoder.prepare_photo)

    def texts(self, texts: Sequence[str]) -> Vectors:
        """The mean over the card's prompts, which says more about a thing than its bare name does."""
        prompts = self._encoder.card.prompts
        found = self.captions([_prompted(prompt, text) for text in texts for prompt in prompts])
        return (
            unit(found.reshape(-1, len(prompts), found.shape[1]).mean(axis=1)) if len(prompts) > 1 else found
        )

    def captions(self, captions: Sequence[str]) -> Vectors:
        """Words as they are, without any prompt."""
        return self._encoder._in_batches(captions, self._encoder._embed_texts)

    def encode(self, prepared: Sequence[Pixels]) -> Encoded:
        """Encode prepared sketches or photos, whole and, if the model has a local head, in parts."""
        rows = self._encoder.engine.embed_images(np.stack(prepared))
        local, at = self._encoder.local, self._encoder.dimension
        return Encoded(rows[:, :at], None if local is None else local.cells(rows[:, at:]))

    def _images(self, images: Sequence[Image.Image], prepare: Callable[[Image.Image], Pixels]) -> Vectors:
        return self._encoder._in_batches(images, lambda part: self.encode([*map(prepare, part)]).vectors)


def _check_names(checkpoint: Checkpoint) -> None:
    """Raise UnknownName or BadWeights if the card names something that this installation does not have."""
    card, where = checkpoint.card, str(checkpoint.folder / "card.json")
    BACKBONES.check(card.backbone, where)
    METHODS.check(card.method, where)
    RERANKERS.check(card.reranker, where)
    _ = card.preparation


def _prompted(prompt: str, text: str) -> str:
    """Fill in a prompt; words that bring an article of their own need none."""
    if _ARTICLE.match(text):
        prompt = prompt.replace("a {}", "{}")
    return prompt.replace("{}", text)


def _load_heads(checkpoint: Checkpoint) -> dict[str, NDArray[np.float32]]:
    card = checkpoint.card
    heads = load_file(checkpoint.file("heads"))
    for name, values in heads.items():
        square = name.startswith(WHITENING)
        if values.shape[-1] != card.dimension or (square and values.shape[0] != card.dimension):
            raise BadWeights(
                f"model {card.name!r}: {name} is {values.shape}, its card says {card.dimension} numbers"
            )
    return {name: values.astype(np.float32) for name, values in heads.items()}
