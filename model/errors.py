"""The errors of the whole application. Each message names the thing and says what to do next.

SketchseekError
├── BadImage              the bytes are no picture that can be used
│   ├── EmptyDrawing      a drawing without a line in it
│   └── Unreadable        it could not be read now; it may well be later
├── ModelError            a model cannot be loaded or lacks what was asked of it
│   ├── BadWeights        a weight file is missing or is not the file that the card names
│   ├── NoTextTower       this model cannot embed words
│   ├── NoEngine          nothing installed can run this model
│   └── DeviceProblem     the graphics card cannot be used, or failed
└── IndexProblem          see indexer.errors
"""


class SketchseekError(Exception):
    """Anything that a user can mend; its text is one clear line meant for them."""

    # What a command ends with.
    exit_status = 1


class BadImage(SketchseekError):
    """The bytes are no picture that can be used."""


class EmptyDrawing(BadImage):
    """A drawing without a line in it."""


class Unreadable(BadImage):
    """It could not be read now, for lack of permission or memory, say; it may well be later."""


class ModelError(SketchseekError):
    """A model cannot be loaded, or lacks what was asked of it."""


class BadWeights(ModelError):
    """A weight file is missing, or is not the file that the card names."""


class NoTextTower(ModelError):
    """This model cannot embed words."""


class NoEngine(ModelError):
    """Nothing that is installed can run this model."""


class DeviceProblem(ModelError):
    """The graphics card cannot be used, or failed."""
