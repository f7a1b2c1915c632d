"""The errors of the whole application. Each message names the thing and says what to do next.

SketchseekError
├── BadImage              the bytes are not a usable picture
│   ├── EmptyDrawing      a drawing without any lines
│   └── Unreadable        it cannot be read right now; try again later
├── ModelError            a model cannot be loaded, or does not support the request
│   ├── BadWeights        a weight file is missing, or is not the one the card names
│   ├── NoTextTower       this model cannot embed words
│   ├── NoEngine          no installed engine can run this model
│   └── DeviceProblem     the GPU is not usable, or failed
└── IndexProblem          see indexer.errors
"""


class SketchseekError(Exception):
    """An error that a user can fix; its text is one clear line written for them."""

    # The exit status of a command that ends with this error.
    exit_status = 1


class BadImage(SketchseekError):
    """The bytes are not a usable picture."""


class EmptyDrawing(BadImage):
    """A drawing without any lines."""


class Unreadable(BadImage):
    """It cannot be read right now, for example because of permissions or memory; it may be readable later."""


class ModelError(SketchseekError):
    """A model cannot be loaded, or does not support the request."""


class BadWeights(ModelError):
    """A weight file is missing, or is not the one the card names."""


class NoTextTower(ModelError):
    """This model cannot embed words."""


class NoEngine(ModelError):
    """No installed engine can run this model."""


class DeviceProblem(ModelError):
    """The GPU is not usable, or failed."""
