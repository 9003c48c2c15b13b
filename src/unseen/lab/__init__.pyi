"""The public names of `unseen.lab`: read by type checkers, and by lazy_loader at run time."""

from .collection import Shelf as Shelf
from .operators import Setup as Setup
