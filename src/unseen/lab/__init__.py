"""The imaging lab: one image, measured as one says, and what each method makes of the measurement.

`pictures` makes the image, `operators` and `noises` say how it is measured, `measuring` measures it, `methods` knows
what can be tried, `comparing` tries it, and `shelf` finds the models that were trained before. The page that asks all
this is `unseen.web.lab`; nothing here knows of it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
