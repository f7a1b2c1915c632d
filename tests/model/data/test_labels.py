"""Spellings of class names."""

import pytest

from model.data.labels import key, same_names, spoken


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("hot-air_balloon", "hot air balloon"),
        ("The_Eiffel_Tower", "eiffel tower"),
        ("T-Shirt", "t_shirt"),
        ("cell phone", "cellphone"),
        ("car_(sedan)", "car (sedan)"),
        ("  Frying-Pan ", "frying pan"),
        ("caf\u00e9", "cafe\u0301"),
    ],
)
def test_spellings_of_one_class(left: str, right: str) -> None:
    assert key(left) == key(right)


@pytest.mark.parametrize(
    ("left", "right"),
    [("car", "car_(sedan)"), ("bat", "bats"), ("a", "the"), ("ant", "an t"), ("猫", "犬")],
)
def test_classes_that_stay_apart(left: str, right: str) -> None:
    assert key(left) != key(right)


def test_an_article_alone_is_a_name() -> None:
    assert key("The") == "the"
    assert key("a") == "a"
    assert key("___") == ""


def test_spoken_keeps_what_one_would_say() -> None:
    assert spoken("Hot-air_balloon") == "hot-air balloon"
    assert spoken("The__Mona_Lisa ") == "the mona lisa"


def test_same_names_groups_in_order() -> None:
    assert same_names(["t-shirt", "dog", "T_Shirt", "dog"]) == {
        "tshirt": ["t-shirt", "T_Shirt"],
        "dog": ["dog"],
    }
