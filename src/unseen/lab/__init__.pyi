"""The public names of `unseen.lab`: read by type checkers, and by lazy_loader at run time."""

from .setup import Setup as Setup
from .shelf import Shelf as Shelf
