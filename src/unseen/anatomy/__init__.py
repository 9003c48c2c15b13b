"""Anatomy: from a film to network input.

`LungFinder` finds the lungs, `cross_fitted` gives masks that no film's own annotation has shaped, `FoundLungs` lets
each finder look at a film once, `View` describes how a film becomes network input and `Viewed` is what came out.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
