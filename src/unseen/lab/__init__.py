"""The imaging lab: it measures one image with chosen settings and shows each method's reconstruction.

`images` makes the image, `operators` defines the measurement, `measuring` measures it, `methods` knows what can be
tried, `comparison` tries it, and `collection` finds the models that were trained before. The page is
`unseen_server`; nothing here knows of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
