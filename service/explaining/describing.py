"""Explanations in the form in which the service and the command give them."""

from model.local.explaining import Explanation, Part, Patch
from model.local.parts import Floats
from model.pictures import areas
from service.explaining.schemas import Attention, Box, ExplanationInfo, MatchInfo, PatchInfo


def described(found: Explanation, photo_id: str, model: str) -> ExplanationInfo:
    """Describe an explanation; numbers are rounded, so that the same question gets the same bytes."""
    return ExplanationInfo(
        photo_id=photo_id,
        model=model,
        score=_number(found.score),
        matches=[_match(part) for part in found.parts],
        collage=[_patch(patch) for patch in found.patches],
        attention=Attention(
            sketch=_rows(found.sketch_attention),
            photo=_rows(found.photo_attention),
            sketch_area=_box(found.sketch_area),
            photo_area=_box(found.photo_area),
        ),
    )


def _match(part: Part) -> MatchInfo:
    return MatchInfo.model_validate(
        {
            "sketch": _box(part.sketch),
            "photo": _box(part.photo),
            "strength": _number(part.strength),
            "contribution": _number(part.contribution),
            "sketch_place": part.sketch_place,
            "photo_place": part.photo_place,
            "text": part.text,
        }
    )


def _patch(patch: Patch) -> PatchInfo:
    return PatchInfo(
        sketch=_box(patch.sketch),
        photo=_box(patch.photo),
        strength=_number(patch.strength),
        contribution=_number(patch.contribution),
        match=patch.part,
    )


def _box(box: areas.Box) -> Box:
    x, y, width, height = (round(edge, 5) for edge in (box.x, box.y, box.width, box.height))
    return Box(x=x, y=y, width=width, height=height)


def _rows(values: Floats) -> list[list[float]]:
    return [[_number(value) for value in row] for row in values.tolist()]


def _number(value: float) -> float:
    return round(value, 6)
