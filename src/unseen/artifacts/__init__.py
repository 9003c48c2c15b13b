"""Files of a run, and objects by name: atomic files, registries, recipes, bundles, run folders.

This package knows no method. It holds names, settings and tensors for the packages above it, and imports none of them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
