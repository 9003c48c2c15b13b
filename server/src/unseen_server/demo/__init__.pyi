"""The public names of `unseen_server.demo`: read by type checkers, and by lazy_loader at run time."""

from .demonstration import demonstrate as demonstrate
