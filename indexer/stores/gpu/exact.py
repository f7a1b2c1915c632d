"""Exact search on a card by torch: fp16 vectors, float32 scores, filters as masks. Every vector is looked at, so that
a filter costs no recall, however little it lets pass."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from indexer.stores import Rows
from indexer.stores.gpu.executor import NearestRows
from model.modality import Vectors

_CHUNK = 65_536
# So many more than asked for are compared once more.
_SPARE = 32
# A filter is asked again with every stroke of a drawing.
_REMEMBERED = 16


class ExactOnGpu:
    """`read` gives the float32 vectors of rows by their numbers; `scratch` is memory for scores, in bytes."""

    name = "torch, exact fp16"
    supports_filters = True

    def __init__(
        self,
        count: int,
        dimension: int,
        read: Callable[[np.ndarray], Vectors],
        *,
        device: str = "cuda",
        scratch: int = 2**29,
    ) -> None:
        self.most = count
        self._scratch = scratch
        self._rows = torch.empty((count, dimension), dtype=torch.float16, device=device)
        self._masks: OrderedDict[int, tuple[Rows, Tensor]] = OrderedDict()
        for start in range(0, count, _CHUNK):
            part = read(np.arange(start, min(start + _CHUNK, count)))
            self._rows[start : start + len(part)] = torch.from_numpy(part).half()

    @torch.inference_mode()
    def search(self, queries: Vectors, k: int, among: Rows | None) -> NearestRows:
        asked = torch.from_numpy(queries).to(self._rows.device)
        rows, scores = self._nearest(asked.half(), min(k + _SPARE, self.most), among)
        # Rounding the query to fp16 may have changed places of near equals: the best are compared in float32.
        exact = torch.einsum("qkd,qd->qk", self._rows[rows].float(), asked)
        best = exact.masked_fill_(scores == -torch.inf, -torch.inf).topk(k, dim=1)
        return NearestRows(rows.gather(1, best.indices).cpu().numpy(), best.values.cpu().numpy())

    def _nearest(self, queries: Tensor, k: int, among: Rows | None) -> tuple[Tensor, Tensor]:
        """Rows and their scores, chunk by chunk, for as many vectors as there is memory for scores."""
        mask = None if among is None else self._mask(among)
        chunk = max(1, self._scratch // (4 * len(queries)))
        scores, rows = [], []
        for start in range(0, len(self._rows), chunk):
            near = _scores(queries, self._rows[start : start + chunk])
            if mask is not None:
                near.masked_fill_(mask[start : start + chunk], -torch.inf)
            best = near.topk(min(k, near.shape[1]), dim=1)
            scores.append(best.values)
            rows.append(best.indices + start)
        best = torch.cat(scores, dim=1).topk(k, dim=1)
        return torch.cat(rows, dim=1).gather(1, best.indices), best.values

    def close(self) -> None:
        device = self._rows.device
        self._rows = torch.empty((0, 0), dtype=torch.float16)
        self._masks.clear()
        if device.type == "cuda":
            # torch would keep it for itself.
            torch.cuda.empty_cache()

    def _mask(self, among: Rows) -> Tensor:
        """True for the rows that must not be found."""
        if id(among) not in self._masks:
            bits = np.unpackbits(among.bits, count=len(self._rows), bitorder="little")
            mask = torch.from_numpy(bits).to(self._rows.device) == 0
            # Held together with the rows, whose identity would be another's otherwise.
            self._masks[id(among)] = (among, mask)
            while len(self._masks) > _REMEMBERED:
                self._masks.popitem(last=False)
        self._masks.move_to_end(id(among))
        return self._masks[id(among)][1]


def _scores(queries: Tensor, rows: Tensor) -> Tensor:
    """In float32: sums that are rounded to fp16 would make equals of what is not."""
    if rows.is_cuda:
        return torch.mm(queries, rows.T, out_dtype=torch.float32)
    return queries.float() @ rows.float().T
