"""Bring files to the page, and read what it has made of them."""

from __future__ import annotations

import io

from PIL import Image

from tests.kit.service.desk import Desk, expect

DROP = """([name, type, bytes]) => {
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(bytes)], name, { type }));
    for (const kind of ["dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }));
}"""
PASTE = """([name, type, bytes]) => {
    const held = new DataTransfer();
    held.items.add(new File([new Uint8Array(bytes)], name, { type }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held, bubbles: true, cancelable: true }));
}"""


def encoded(image: Image.Image, kind: str = "PNG") -> list[int]:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return list(buffer.getvalue())


def lines(desk: Desk, count: int) -> None:
    noun = "line" if count == 1 else "lines"
    drawn = f"{count:,} {noun} drawn" if count else "empty"
    expect(desk.page.locator("#canvas")).to_have_attribute("aria-label", f"Drawing area, {drawn}")


def paths(desk: Desk) -> list[str]:
    return [label.split(": ")[1].split(",")[0] for label in desk.results()]
