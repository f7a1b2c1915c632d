"""ImageNet's classes, as the installed timm names them."""

from model.training import imagenet


def test_each_output_of_a_classifier_has_a_synset_a_name_and_an_explanation() -> None:
    assert len(set(imagenet.synsets())) == len(imagenet.names()) == len(imagenet.explanations()) == 1000
    chihuahua = imagenet.synsets().index("n02085620")
    assert chihuahua == 151
    assert imagenet.names()[chihuahua] == "Chihuahua"
    assert "dog" in imagenet.explanations()[chihuahua]


def test_of_several_names_it_is_the_first() -> None:
    assert not [name for name in imagenet.names() if "," in name or not name.strip()]
    assert imagenet.names()[0] == "tench"
