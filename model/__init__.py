"""The model: turns pictures and words into semantic vectors. Knows nothing of indexes or HTTP."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
