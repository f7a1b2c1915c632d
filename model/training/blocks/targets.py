"""Learning from distributions rather than labels: cross-entropy and divergence to soft targets, and entropies.

`mask` says which rows count; a term without any is zero, with a gradient of zero.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def soft_cross_entropy(target: Tensor, logits: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over rows of -sum(target * log softmax(logits)); no gradient reaches the target."""
    return _mean(-(target.detach() * F.log_softmax(logits, dim=1)).sum(1), mask)


def divergence(
    target: Tensor, logits: Tensor, temperature: float = 1.0, mask: Tensor | None = None
) -> Tensor:
    """T^2 KL(target || softmax(logits / T)), the mean over rows; the square keeps gradients as large for any T.

    The target is a distribution already at that temperature; no gradient reaches it.
    """
    target = target.detach()
    own = torch.special.xlogy(target, target).sum(1)
    crossed = -(target * F.log_softmax(logits / temperature, dim=1)).sum(1)
    return temperature**2 * _mean(crossed + own, mask)


def certainty(logits: Tensor) -> Tensor:
    """1 for each row that names one column, 0 for one that is even over all: 1 - entropy / its maximum."""
    logs = F.log_softmax(logits, dim=1)
    most = torch.log(torch.tensor(float(max(2, logits.shape[1])), device=logits.device))
    found: Tensor = 1 + (logs.exp() * logs).sum(1) / most
    return found


def borrowed(weights: Tensor, allowed: Tensor, given: Tensor) -> tuple[Tensor, Tensor]:
    """For each row a mixture of what the allowed ones have, weighted by softmax, and which rows have any.

    `weights` and `allowed` are (rows, givers), `given` distributions (givers, k).
    """
    has = allowed.any(dim=1)
    # A row that may borrow from none would be a softmax over nothing.
    open_ones = allowed | ~has[:, None]
    shares = weights.masked_fill(~open_ones, -torch.inf).softmax(dim=1)
    return shares @ given, has


def _mean(rows: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        mask = torch.ones_like(rows, dtype=torch.bool)
    return rows[mask].mean() if bool(mask.any()) else rows.sum() * 0.0
