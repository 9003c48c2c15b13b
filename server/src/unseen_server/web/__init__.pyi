"""The public names of `unseen_server.web`: read by type checkers, and by lazy_loader at run time."""

from .address import Address as Address
from .app import create_app as create_app
from .server import Models as Models
from .server import ServingError as ServingError
from .server import serve as serve
