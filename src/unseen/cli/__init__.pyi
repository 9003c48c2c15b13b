"""The public names of `unseen.cli`: read by type checkers, and by lazy_loader at run time."""

from . import console as console
from .console import UsageError as UsageError
from .program import app as app
from .program import main as main
from .program import run as run
