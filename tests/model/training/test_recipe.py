"""Recipes: the shipped ones say what they must, others are refused with the field's name."""

import json
from pathlib import Path

import pytest

from model.errors import ModelError
from model.training.methods.masbir import LossWeights, MasbirOptions
from model.training.recipe import Recipe, RecipeProblem, read_recipe


def test_b32_is_the_authors_configuration() -> None:
    recipe = read_recipe("masbir-b32")
    assert (recipe.architecture, recipe.pretrained) == ("ViT-B-32", "openai")
    assert (recipe.tower_rate, recipe.head_rate, recipe.weight_decay) == (5e-8, 5e-3, 0.1)
    assert recipe.method == "ma-sbir"
    assert isinstance(recipe.options, MasbirOptions)
    assert (recipe.batch, recipe.epochs, recipe.options.logit_scale) == (256, 100, 2.6592)
    weights = recipe.options.loss_weights
    assert (weights.clip, weights.semantic_centre, weights.modality_classifier) == (1.0, 0.1, 0.1)
    assert (weights.reconstruction, weights.orthogonality) == (0.02, 0.0)
    assert not recipe.options.anchors.active()
    assert recipe.options.authors_share == 1.0


def test_authors_rate_rises_over_a_twentieth_and_then_stays() -> None:
    recipe = read_recipe("masbir-b32")
    steps = recipe.length(120_000)
    assert steps == 100 * 469
    assert recipe.rate(0, steps) == pytest.approx(1 / 2345)
    assert recipe.rate(2344, steps) == recipe.rate(steps - 1, steps) == 1.0


def test_lite_rate_rises_and_falls_along_a_cosine() -> None:
    recipe = read_recipe("lite", steps=100, warm_up=0.1)
    rates = [recipe.rate(step, 100) for step in range(100)]
    assert rates.index(max(rates)) == 9
    assert rates[9:] == sorted(rates[9:], reverse=True)
    assert rates[50] == pytest.approx(0.5)
    assert rates[-1] == pytest.approx(0.01)


def test_digest_changes_with_any_field() -> None:
    assert read_recipe("lite").digest == read_recipe("lite").digest
    assert len({read_recipe("lite", seed=seed).digest for seed in range(3)}) == 3


def fields(**changes: object) -> dict[str, object]:
    whole: dict[str, object] = read_recipe("lite").model_dump(mode="json")
    return whole | changes


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": None}, "either `steps` or `epochs`"),
        ({"captions": ["a photo"]}, "needs {}"),
        ({"towers": "open_clip"}, "need a reference that only the lite towers have"),
        ({"towers": "open_clip", "anchors": {}}, "need a reference that only the lite towers have"),
        ({"instances": 60}, "60 instances with their photos do not fit"),
        ({"tower_rate": 0}, "tower_rate"),
        ({"head_rate": float("inf")}, "head_rate"),
        ({"bach": 12}, "bach"),
        ({"loss_weights": {"clip": -1}}, "options.loss_weights.clip"),
        ({"loss_weights": dict.fromkeys(LossWeights.model_fields, 0), "anchors": {}}, "a weight above zero"),
        (
            {"options": {"margin": 1}},
            "options.margin: no option of ma-sbir; known: authors_share, loss_weights",
        ),
        ({"options": []}, "options"),
        ({"edges": True}, "`edges` is gone.*remove it from the recipe"),
        ({"method": "heavy"}, "unknown training method 'heavy'; known: .*ma-sbir"),
        (
            {"views": 1, "turns": 2},
            "`views` 1 is the picture itself: `turns` and `variations` take 2 or more",
        ),
        ({"views": 1, "variations": "rich"}, "`views` 1 is the picture itself"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    path = tmp_path / "mine.json"
    path.write_text(json.dumps(fields(**changes)))
    with pytest.raises(ModelError, match=said) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_name_lists_the_shipped_ones() -> None:
    with pytest.raises(
        RecipeProblem,
        match="one of: lite, lite-base, lite-bold, lite-instances, lite-long, lite-pairs, lite-plus, lite-rich, "
        "masbir-b32",
    ):
        read_recipe("heavy")


@pytest.mark.parametrize("text", ["{", "[1]"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(RecipeProblem, match=r"broken\.json"):
        read_recipe(path)


def test_every_field_of_a_recipe_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "copy.json"
    path.write_text(json.dumps(fields(batch=48, name="copy")))
    assert read_recipe(path) == Recipe.model_validate(fields(batch=48, name="copy"))


def test_a_recipe_of_0_1_says_the_same_as_todays(tmp_path: Path) -> None:
    today = read_recipe("lite-pairs")
    flat = {"edges": False, **today.model_dump(exclude={"method", "options"}), **today.options.model_dump()}
    path = tmp_path / "old.json"
    path.write_text(json.dumps(flat))
    assert read_recipe(path) == today


def test_a_method_is_chosen_where_the_recipe_leaves_it_open() -> None:
    assert read_recipe("lite-base", "ma-sbir") == read_recipe("lite-base")
    with pytest.raises(ModelError, match=r"unknown training method 'heavy'; known: .*ma-sbir"):
        read_recipe("lite-base", "heavy")
    with pytest.raises(RecipeProblem, match="the method of this recipe is 'ma-sbir', not 'heavy'"):
        read_recipe("lite", "heavy")


def test_a_recipe_like_another_says_only_what_differs(tmp_path: Path) -> None:
    mine, theirs = tmp_path / "mine.json", tmp_path / "ours.json"
    theirs.write_text(json.dumps({"name": "ours", "like": "lite-rich", "options": {"near": 0.4}}))
    mine.write_text(
        json.dumps({"name": "mine", "like": "ours.json", "steps": 7, "options": {"anchors": {"words": 0.25}}})
    )
    base, found = read_recipe("lite-rich").model_dump(), read_recipe(mine).model_dump()
    assert (found["name"], found["steps"]) == ("mine", 7)
    assert found["options"]["near"] == 0.4
    assert found["options"]["anchors"] == base["options"]["anchors"] | {"words": 0.25}
    same = ("name", "steps", "options")
    assert {name: value for name, value in found.items() if name not in same} == {
        name: value for name, value in base.items() if name not in same
    }


def test_another_method_does_not_inherit_options(tmp_path: Path) -> None:
    mine = tmp_path / "mine.json"
    mine.write_text(json.dumps({"name": "mine", "like": "lite-rich", "method": "siamese"}))
    assert read_recipe(mine).options == read_recipe("lite-base", "siamese").options


def test_a_recipe_cannot_be_like_nothing_or_itself(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine.json", tmp_path / "other.json"
    mine.write_text(json.dumps({"name": "mine", "like": "other.json"}))
    with pytest.raises(RecipeProblem, match=r"no recipe '.*other.json'"):
        read_recipe(mine)
    other.write_text(json.dumps({"name": "other", "like": "mine.json"}))
    with pytest.raises(RecipeProblem, match="is `like` itself; name another one"):
        read_recipe(mine)
