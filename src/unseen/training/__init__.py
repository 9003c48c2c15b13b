"""The one training loop, for every method: a `Learner` brings networks and losses, `train` drives them.

A killed run resumes to the same weights, bit for bit. Needs ``pip install "unseen[train]"``.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
