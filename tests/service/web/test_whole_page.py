"""What holds for the page as a whole: weight, policy, names, contrast, focus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import pytest

from tests.kit.service.desk import Desk, expect
from tests.kit.service.servers import LiveServer

pytestmark = pytest.mark.browser

Theme = Literal["light", "dark"]


def test_it_is_light_needs_nothing_from_elsewhere_and_keeps_its_policy(
    open_page: Callable[..., Desk], live_server: LiveServer
) -> None:
    desk = open_page()
    assert transferred(desk) < 180_000
    desk.drawn_results()
    desk.page.locator(".tile").first.click()
    assert all(url.startswith((live_server.url, "data:", "blob:")) for url in desk.addresses)
    home = live_server.url.rstrip("/")
    own = {url for url in desk.addresses if url.startswith(f"{home}/web/") or url == f"{home}/"}
    with live_server.client() as client:
        answers = {url: client.get(url) for url in own}
    assert len(answers) > 5
    assert all(answer.is_success for answer in answers.values())
    assert "default-src 'self'" in answers[f"{home}/"].headers["content-security-policy"]
    desk.page.evaluate(
        """() => { const script = document.createElement("script");
            script.textContent = "window.intruded = true"; document.head.append(script); }"""
    )
    assert desk.page.evaluate("window.intruded") is None
    refused = [told for told in desk.problems if "Content Security Policy" in told]
    assert desk.problems == refused
    assert len(refused) == 1, "the intruder, and nothing of the page's own"
    desk.problems.clear()


def transferred(desk: Desk) -> int:
    """What the page and its files take on the wire on a first visit; the photos come on top."""
    desk.page.wait_for_load_state("networkidle")
    return int(
        desk.page.evaluate(
            """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
                .filter(({ name }) => !name.includes("/thumbnail?"))
                .reduce((sum, { transferSize }) => sum + transferSize, 0)"""
        )
    )


def test_every_control_shows_its_focus_and_has_a_name(desk: Desk) -> None:
    expect(desk.page.locator("#index-open")).to_be_visible()
    focused = []
    for _ in range(8):
        desk.page.keyboard.press("Tab")
        name, outline = desk.page.evaluate(FOCUSED)
        focused.append(name)
        assert outline == "solid", name
    assert focused == [
        "30 photos",
        "Help and keys",
        "Your drawings",
        "Medium pen",
        "Describe it in words, for example “at night”",
        "Add a picture",
        "Filters",
        "Strawberry",
    ]
    roles = {"button", "link", "radio", "image", "img", "dialog", "list", "group", "Canvas", "region"}
    seen = set()
    for act in (lambda: None, desk.drawn_results, lambda: desk.page.locator(".tile").first.click()):
        act()
        for node in desk.devtools.send("Accessibility.getFullAXTree")["nodes"]:
            role = node.get("role", {}).get("value")
            if role in roles and not node["ignored"]:
                seen.add(role)
                assert node["name"]["value"].strip(), node
    assert {"button", "radio", "dialog"} <= seen


@pytest.mark.slow
def test_text_can_be_read_in_either_theme(desk: Desk) -> None:
    grounds: dict[Theme, set[tuple[float, ...]]] = {"light": set(), "dark": set()}
    for act in (lambda: None, desk.drawn_results, lambda: desk.page.locator(".tile").first.click()):
        act()
        for theme, seen in grounds.items():
            shine(desk, theme)
            for text, ink, ground in desk.page.evaluate(VISIBLE_TEXT):
                seen.add(tuple(ground))
                assert contrast(ink, ground) >= 4.5, (theme, text, ink, ground)
    desk.page.evaluate("""() => document.querySelector("#viewer").close()""")
    for theme, seen in grounds.items():
        shine(desk, theme)
        assert (luminance(desk.page.evaluate(GROUND)) > 0.5) == (theme == "light")
        assert len(seen) > 2


def shine(desk: Desk, theme: Theme) -> None:
    desk.page.emulate_media(color_scheme=theme)
    desk.still()


# What has the focus, and the outline of whatever shows that: an input may leave it to what is around it.
FOCUSED = """() => {
    const it = document.activeElement;
    const rings = [it, it.closest("label"), it.closest("form")].filter(Boolean);
    const solid = rings.some((each) => getComputedStyle(each).outlineStyle === "solid");
    return [it.ariaLabel ?? it.textContent.trim(), solid ? "solid" : "none"];
}"""
GROUND = "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)"

# Each piece of text in sight with its colour and the nearest opaque ground behind it.
VISIBLE_TEXT = """() => {
    const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const groundOf = (element) => {
        for (let it = element; it; it = it.parentElement) {
            const colour = rgb(getComputedStyle(it).backgroundColor);
            if (colour.length === 3) return colour;
        }
    };
    const root = document.querySelector("dialog[open]") ?? document.body;
    return [...root.querySelectorAll("*")]
        .filter((it) => [...it.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
        .filter((it) => it.checkVisibility({ opacityProperty: true }) && !it.closest(":disabled, .caption, .unseen"))
        .map((it) => [it.textContent.trim(), rgb(getComputedStyle(it).color).slice(0, 3), groundOf(it)]);
}"""


def luminance(colour: list[float]) -> float:
    """WCAG's relative luminance."""
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
