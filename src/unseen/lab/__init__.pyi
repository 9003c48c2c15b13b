"""The public names of `unseen.lab`: read by type checkers, and by lazy_loader at run time."""

from .collection import Collection as Collection
from .operators import Setup as Setup
