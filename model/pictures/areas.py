"""Which area of a picture its prepared square shows, and what a place in the square is in the picture.

Everything is in shares of a picture's width and height. An area may extend beyond the picture, where the square was
padded.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle: the left and top edge, the width and the height."""

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def between(cls, left: float, top: float, right: float, bottom: float) -> "Box":
        return cls(left, top, right - left, bottom - top)

    @property
    def centre(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2

    def scaled(self, width: float, height: float) -> "Box":
        """The same in other units, such as from pixels to shares."""
        return Box(self.x / width, self.y / height, self.width / width, self.height / height)

    def outside(self, inner: "Box") -> "Box":
        """Where a box is that lies at `inner` of this one."""
        return Box(
            self.x + inner.x * self.width,
            self.y + inner.y * self.height,
            inner.width * self.width,
            inner.height * self.height,
        )

    def within(self) -> "Box":
        """What of it lies in the picture."""
        left, top = (min(max(edge, 0.0), 1.0) for edge in (self.x, self.y))
        right = min(max(self.x + self.width, 0.0), 1.0)
        bottom = min(max(self.y + self.height, 0.0), 1.0)
        return Box.between(left, top, right, bottom)


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
