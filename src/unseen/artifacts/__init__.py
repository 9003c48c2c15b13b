"""What a run leaves behind, and how things are found by name: atomic files, registries, recipes, bundles, run folders.

This room knows no method: it holds names, settings and tensors for the rooms above, and never imports them by itself.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
