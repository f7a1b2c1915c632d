"""The reliability diagram: of the photos that are said to be right so often, how many are."""

from collections.abc import Mapping
from pathlib import Path

from bench.relevance.fitting import BINS, Fitted
from model.modality import Modality

_NAMES = {Modality.SKETCH: "Drawings", Modality.TEXT: "Words"}
_COLOUR, _QUIET = "#2563a8", "#8a8f98"


def draw(found: Mapping[Modality, Fitted], path: Path) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.4), layout="constrained", facecolor="white")
    panels = figure.subplots(2, len(found), sharex=True, squeeze=False, height_ratios=[4, 1])
    for (kind, fitted), upper, lower in zip(found.items(), *panels, strict=True):
        predicted = [each.predicted for each in fitted.bins]
        shares = [each.weight for each in fitted.bins]
        upper.plot([0, 1], [0, 1], color=_QUIET, linewidth=1, linestyle="--")
        upper.plot(predicted, [each.seen for each in fitted.bins], color=_COLOUR, linewidth=1)
        upper.scatter(
            predicted,
            [each.seen for each in fitted.bins],
            s=[25 + 900 * share for share in shares],
            color=_COLOUR,
            alpha=0.75,
            linewidth=0,
            zorder=3,
            clip_on=False,
        )
        upper.set_title(f"{_NAMES[kind]}: calibration error {fitted.error:.3f}, AUC {fitted.auc:.2f}")
        upper.set(xlim=(0, 1), ylim=(0, 1))
        lower.bar(predicted, shares, width=0.6 / BINS, color=_COLOUR, alpha=0.75)
        lower.set(xlabel="relevance", ylim=(0, None))
        lower.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
        for axis in (upper, lower):
            axis.grid(alpha=0.25)
            axis.spines[["top", "right"]].set_visible(False)
    panels[0, 0].set_ylabel("share that is right")
    panels[1, 0].set_ylabel("results")
    figure.savefig(path, dpi=110, metadata={"Software": None})
