"""Erasers, pictures brought along, the drawing as a file, and drawings that nobody expects."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
from PIL import Image

from tests.kit.service.bringing import DROP, PASTE, encoded, lines
from tests.kit.service.desk import Desk, expect
from tests.kit.shapes import drawing, picture

pytestmark = pytest.mark.browser

SCRIBBLE = """(strokes) => {
    const canvas = document.querySelector("#canvas");
    const { left, top, width } = canvas.getBoundingClientRect();
    const send = (kind, x, y) => canvas.dispatchEvent(new PointerEvent(kind, {
        pointerId: 1, pointerType: "mouse", button: 0, bubbles: true, cancelable: true,
        clientX: left + x * width, clientY: top + y * width }));
    for (let i = 0; i < strokes; i += 1) {
        const [x, y] = [(i % 141) / 141, Math.floor(i / 141) / 142];
        send("pointerdown", x, y);
        send("pointermove", x + 0.004, y + 0.004);
        send("pointerup", x + 0.004, y + 0.004);
    }
}"""


def take(desk: Desk, tool: str) -> None:
    desk.page.get_by_role("radio", name=tool).check(force=True)


def test_the_eraser_removes_ink_where_it_passes_and_all_of_it_in_the_end(desk: Desk) -> None:
    with desk.answered():
        desk.draw((0.1, 0.5), (0.9, 0.5))
    whole = desk.ink()
    take(desk, "Eraser")
    with desk.answered():
        desk.draw((0.5, 0.4), (0.5, 0.6))
    assert 0.8 * whole < desk.ink() < 0.97 * whole
    assert desk.last_drawing().convert("L").getpixel((256, 256)) == 255
    with desk.answered():
        desk.button("Undo").click()
    assert desk.ink() == whole
    desk.draw((0.05, 0.5), (0.95, 0.5))
    assert desk.ink() == 0
    expect(desk.page.locator("#welcome")).to_be_visible()
    expect(desk.page.locator("#found")).to_have_attribute("data-state", "empty")


def test_whole_lines_are_erased_in_one_step(desk: Desk) -> None:
    desk.draw((0.1, 0.3), (0.9, 0.3))
    one = desk.ink()
    desk.draw((0.1, 0.6), (0.9, 0.6))
    desk.draw((0.1, 0.8), (0.9, 0.8))
    take(desk, "Erase whole lines")
    desk.draw((0.5, 0.5), (0.5, 0.95))
    lines(desk, 1)
    assert desk.ink() == one
    desk.button("Undo").click()
    lines(desk, 3)


def test_the_drawing_can_be_kept(desk: Desk, tmp_path: Path) -> None:
    desk.drawn_results()
    with desk.page.expect_download() as begun:
        desk.button("Download drawing").click()
    begun.value.save_as(tmp_path / "drawing.png")
    with Image.open(tmp_path / "drawing.png") as kept:
        assert (begun.value.suggested_filename, kept.size) == ("drawing.png", (512, 512))
        assert kept.convert("L").getpixel((256, 154)) == 0


def test_a_drawing_that_is_brought_along_goes_onto_the_paper(desk: Desk) -> None:
    for way in (DROP, PASTE):
        with desk.answered():
            desk.page.evaluate(way, ["fish.png", "image/png", encoded(drawing("fish"))])
        assert desk.ink() > 0
        assert desk.last_drawing().convert("L").getextrema()[0] < 60
        assert "/fish/" in f"/{desk.results()[0].split(': ')[1]}"
        desk.button("Undo").click()
        assert desk.ink() == 0
        expect(desk.page.locator("#found")).to_have_attribute("data-state", "empty")


def test_a_photo_that_is_brought_along_is_searched_with_and_can_be_called_a_drawing(desk: Desk) -> None:
    with desk.answered():
        desk.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    assert desk.ink() == 0
    assert "mug/" in desk.results()[0]
    expect(desk.page.locator("#parts")).to_contain_text("Your picture")
    with desk.answered():
        desk.button("Use as drawing").click()
    assert desk.ink() > 0
    with desk.answered():
        desk.button("Use as photo").click()
    assert desk.ink() == 0
    desk.button("Remove your picture").click()
    expect(desk.page.locator("#welcome")).to_be_visible()


def test_a_huge_photo_is_made_small_before_it_is_sent(desk: Desk, tmp_path: Path) -> None:
    noise = random.Random(1).randbytes(3600 * 2900 * 3)
    path = tmp_path / "huge.bmp"
    Image.frombytes("RGB", (3600, 2900), noise).save(path)
    assert path.stat().st_size > 30e6
    with desk.answered():
        desk.page.locator("#file").set_input_files(path)
    sent = desk.page.evaluate("() => window.lastBody.get('photo').size")
    assert sent < 2e6


def test_a_text_file_is_refused_kindly(desk: Desk) -> None:
    desk.drawn_results()
    desk.page.evaluate(DROP, ["notes.txt", "text/plain", list(b"no picture")])
    expect(desk.page.get_by_role("alert").first).to_contain_text("cannot open notes.txt as a picture")
    assert desk.results()
    with desk.answered():
        desk.draw((0.2, 0.8), (0.6, 0.8))
    expect(desk.page.locator("#notice")).to_be_hidden()


# So many points that they go as a picture.
LONG_LINE = """async () => {
    const { drawing } = await import("/web/drawing/paper.js");
    const points = Array.from({ length: 6000 }, (_, i) => ({ x: 100 + (i % 300), y: 200 + (i % 7), pressure: 1 }));
    drawing.add({ width: 7, points });
}"""


def test_a_picture_that_the_browser_cannot_encode_is_not_blamed_on_the_server(desk: Desk) -> None:
    desk.page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (done) => done(null); }")
    desk.page.evaluate(LONG_LINE)
    says = "The browser could not encode the picture."
    expect(desk.page.get_by_role("alert").first).to_contain_text(says)
    desk.button("Clear").click()
    expect(desk.page.locator("#notice")).to_be_hidden()
    desk.page.evaluate(DROP, ["mug.jpg", "image/jpeg", encoded(picture("mug", 90), "JPEG")])
    expect(desk.page.get_by_role("alert").first).to_contain_text(says)


def test_a_dot_and_a_black_sheet_do_no_harm(desk: Desk) -> None:
    desk.page.mouse.click(*desk.at((0.5, 0.5)))
    lines(desk, 1)
    settled = re.compile("current|failed")
    expect(desk.page.locator("#found")).to_have_attribute("data-state", settled)
    desk.page.evaluate(PASTE, ["black.png", "image/png", encoded(Image.new("RGB", (800, 800)))])
    expect(desk.page.locator("#parts")).to_contain_text("Your picture")
    with desk.page.expect_response("**/search?*"):
        desk.button("Use as drawing").click()
    expect(desk.page.locator("#found")).to_have_attribute("data-state", settled)
    desk.button("Clear").click()
    with desk.answered():
        desk.draw((0.2, 0.3), (0.8, 0.3), (0.8, 0.7))
    desk.problems[:] = [told for told in desk.problems if "422" not in told]


@pytest.mark.slow
def test_twenty_thousand_strokes_stay_usable(desk: Desk) -> None:
    desk.page.evaluate(SCRIBBLE, 20_000)
    lines(desk, 20_000)
    expect(desk.page.locator("#found[data-state=current]")).to_have_count(1)
    with desk.answered():
        desk.draw((0.2, 0.2), (0.9, 0.9))
    desk.button("Undo").click()
    lines(desk, 20_000)
    desk.button("Clear").click()
    assert desk.ink() == 0
    assert len(desk.page.url) < 10_000
