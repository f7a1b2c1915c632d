"""Why this photo: what matches lights up on both sides, by mouse, keys and fingers, and the collage can be stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.kit.service.axe import violations
from tests.kit.service.desk import Desk, expect, forgive_failed_requests, problem

if TYPE_CHECKING:
    from playwright.sync_api import Route

pytestmark = pytest.mark.browser

LEFT, RIGHT = "top left", "bottom right"


def box(x: float, y: float, side: float = 0.2) -> dict[str, float]:
    return {"x": x, "y": y, "width": side, "height": side}


def match(place: str, corner: float, contribution: float) -> dict[str, Any]:
    return {
        "sketch": box(corner, corner),
        "photo": box(corner, 0.4),
        "strength": 0.5,
        "contribution": contribution,
        "sketch_place": place,
        "photo_place": place,
        "text": "",
    }


def patch(number: int, corner: float) -> dict[str, Any]:
    return {
        "sketch": box(corner, corner),
        "photo": box(corner, 0.4),
        "strength": 0.5,
        "contribution": 0.1,
        "match": number,
    }


ANSWER = {
    "photo_id": "",
    "model": "lite",
    "score": 0.4,
    "matches": [match(LEFT, 0.1, 0.3), match(RIGHT, 0.7, 0.1)],
    "collage": [patch(0, 0.1), patch(1, 0.7)],
    "attention": {
        "sketch": [[0.1]],
        "photo": [[0.1]],
        "sketch_area": box(0, 0, 1),
        "photo_area": box(0, 0, 1),
    },
}


def able(route: Route, *, local_parts: bool = True) -> None:
    response = route.fetch()
    route.fulfill(response=response, json=response.json() | {"local_parts": local_parts})


ROUTES = {"**/info": able, "**/explain": lambda route: route.fulfill(json=ANSWER)}


def viewing(open_page: Callable[..., Desk], **options: Any) -> Desk:
    """A photo that was found with a drawing."""
    desk = open_page(**{"routes": ROUTES, "reduced_motion": "reduce", **options})
    desk.drawn_results()
    desk.page.locator("#results .tile").first.click()
    expect(desk.page.locator("#viewer .photo")).to_be_visible()
    return desk


def explained(open_page: Callable[..., Desk], **options: Any) -> Desk:
    desk = viewing(open_page, **options)
    why = desk.page.get_by_role("button", name="Why this photo?")
    expect(why).to_be_visible()
    desk.page.mouse.move(2, 2)  # the bars may have gone meanwhile
    why.click()
    expect(desk.page.locator(".why-parts button")).to_have_count(2)
    return desk


def lit(desk: Desk) -> list[str]:
    """The numbers of the parts that are lit over the pictures."""
    return [one.get_attribute("data-part") or "" for one in desk.page.locator(".why-marks .lit").all()]


def test_it_says_what_matches_and_where_in_the_drawing_and_the_photo_that_are_shown(
    open_page: Callable[..., Desk],
) -> None:
    sent: list[bytes] = []

    def answer(route: Route) -> None:
        sent.append(route.request.post_data_buffer or b"")
        route.fulfill(json=ANSWER)

    desk = explained(open_page, routes={**ROUTES, "**/explain": answer})
    shown = desk.page.locator("#viewer .original").get_attribute("href") or ""
    fields: dict[str, Any] = desk.page.evaluate(
        "() => Object.fromEntries([...lastBody].map(([name, value]) => [name, value.size ?? value]))"
    )
    assert len(sent) == 1
    assert fields["photo_id"] == shown.rsplit("/", 1)[-1]
    assert fields["sketch"] > 100
    first, second = desk.page.locator(".why-parts button").all()
    expect(first).to_have_accessible_name(
        "top left of the drawing matches top left of the photo, 75% of the score"
    )
    expect(second).to_contain_text("25%")
    expect(desk.page.locator("#why")).to_contain_text("Parts of your drawing and where the photo has them")
    assert lit(desk) == []
    boxes_lie_where_the_answer_says(desk)
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#why")).to_be_hidden()
    expect(desk.page.locator("#viewer")).to_be_visible()


def boxes_lie_where_the_answer_says(desk: Desk) -> None:
    desk.painted()
    mark = desk.page.locator(".why-marks .part[data-part='0'] rect.box").nth(1).bounding_box()
    photo = desk.page.locator(".why-photo img").bounding_box()
    assert mark is not None
    assert photo is not None
    assert (mark["x"] - photo["x"]) / photo["width"] == pytest.approx(0.1, abs=0.02)
    assert (mark["y"] - photo["y"]) / photo["height"] == pytest.approx(0.4, abs=0.02)
    assert mark["width"] / photo["width"] == pytest.approx(0.2, abs=0.03)


def test_a_part_lights_up_under_the_mouse_on_either_side_and_in_the_list_and_by_keys(
    open_page: Callable[..., Desk],
) -> None:
    desk = explained(open_page)
    marks = desk.page.locator(".why-marks .part[data-part='1'] rect.box")
    for side in (0, 1):
        darken(desk)
        marks.nth(side).hover(position={"x": 4, "y": 4})
        expect(desk.page.locator(".why-parts [aria-pressed=true]")).to_have_attribute("data-part", "1")
        assert lit(desk) == ["1"]
    first, second = desk.page.locator(".why-parts button").all()
    first.hover()
    assert lit(desk) == ["0"]
    faded = desk.page.locator(".why-marks .part[data-part='1']")
    expect(faded).to_have_css("opacity", "0.08")
    darken(desk)
    first.focus()
    desk.page.keyboard.press("ArrowDown")
    expect(second).to_be_focused()
    assert lit(desk) == ["1"]
    desk.page.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    desk.page.keyboard.press("Tab")
    expect(second).to_be_focused()
    assert lit(desk) == ["1"]


def darken(desk: Desk) -> None:
    desk.page.mouse.move(2, 2)
    desk.page.wait_for_function("() => !document.querySelector('.why-marks .lit')")


def test_the_collage_plays_stops_and_goes_back(open_page: Callable[..., Desk]) -> None:
    desk = explained(open_page, reduced_motion="no-preference")
    desk.stop_time()
    button, slider = desk.page.locator(".why-collage button"), desk.page.locator(".why-collage input")
    expect(button).to_have_text("Rebuild the drawing from the photo")
    button.click()
    expect(button).to_have_text("Pause")
    desk.page.clock.run_for(1000)
    button.click()
    stopped = slider.input_value()
    assert 0 < int(stopped) < 200
    desk.page.clock.run_for(3000)
    assert slider.input_value() == stopped
    button.click()
    desk.page.clock.run_for(4000)
    assert slider.input_value() == "200"
    expect(button).to_have_text("Once more")
    # A part brings the matches back.
    desk.page.locator(".why-parts button").first.focus()
    desk.page.keyboard.press("ArrowDown")
    assert slider.input_value() == "0"


def test_without_motion_the_collage_is_there_at_once_and_a_slider_goes_through_it(
    open_page: Callable[..., Desk],
) -> None:
    desk = explained(open_page)
    button, slider = desk.page.locator(".why-collage button"), desk.page.locator(".why-collage input")
    button.click()
    assert slider.input_value() == "200"
    # The pixels of the photo are where the drawing's ink was.
    place = """() => { const canvas = document.querySelector(".why-flight");
        const paper = document.querySelector(".why-drawing canvas");
        const [all, on] = [canvas, paper].map((it) => it.getBoundingClientRect()), scale = canvas.width / all.width;
        const [x, y] = [on.left - all.left + 0.2 * on.width, on.top - all.top + 0.2 * on.height];
        return [...canvas.getContext("2d").getImageData(x * scale, y * scale, 1, 1).data]; }"""
    *colour, alpha = desk.page.evaluate(place)
    assert alpha == 255
    assert max(colour) - min(colour) > 5 or max(colour) < 250
    expect(button).to_have_text("Back to the parts")
    button.click()
    assert slider.input_value() == "0"


def test_on_a_phone_a_tap_lights_a_part_and_another_one_ends_that(open_page: Callable[..., Desk]) -> None:
    desk = viewing(open_page, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    desk.page.get_by_role("button", name="Why this photo?").tap()
    first = desk.page.locator(".why-parts button").first
    first.tap()
    desk.page.wait_for_function("() => document.querySelector('.why-marks .lit')?.dataset.part === '0'")
    first.tap()
    desk.page.wait_for_function("() => !document.querySelector('.why-marks .lit')")
    drawn, seen = (desk.page.locator(f"#why figure:nth-child({n})").bounding_box() for n in (1, 2))
    assert drawn is not None
    assert seen is not None
    assert drawn["y"] + drawn["height"] <= seen["y"]
    assert desk.page.evaluate("() => document.querySelector('#why').scrollWidth <= innerWidth")


def test_it_is_not_offered_without_a_drawing(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes=ROUTES)
    with desk.answered():
        desk.page.locator("#text").fill("house")
    desk.page.locator("#results .tile").first.click()
    expect(desk.page.locator("#viewer .photo")).to_be_visible()
    expect(desk.page.locator("[data-do=why]")).to_be_hidden()


def test_it_is_not_offered_by_a_model_without_local_parts(open_page: Callable[..., Desk]) -> None:
    desk = open_page(routes={"**/info": lambda route: able(route, local_parts=False)})
    desk.drawn_results()
    with desk.page.expect_response("**/info"):
        desk.page.locator("#results .tile").first.click()
    expect(desk.page.locator("[data-do=why]")).to_be_hidden()


def test_what_fails_is_said_and_the_sheet_can_be_closed(open_page: Callable[..., Desk]) -> None:
    desk = viewing(open_page, routes={**ROUTES, "**/explain": problem(410, "this photo was deleted")})
    desk.page.get_by_role("button", name="Why this photo?").click()
    expect(desk.page.locator("#why [role=status]")).to_contain_text("this photo was deleted")
    desk.page.locator("#why").get_by_role("button", name="Close").click()
    expect(desk.page.locator("#why")).to_be_hidden()
    forgive_failed_requests(desk)


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(open_page: Callable[..., Desk], width: int) -> None:
    desk = explained(open_page, viewport={"width": width, "height": 800})
    assert violations(desk) == [], "all parts"
    desk.page.locator(".why-parts button").first.click()
    assert violations(desk) == [], "one part"
    desk.page.locator(".why-collage button").click()
    assert violations(desk) == [], "the collage"
