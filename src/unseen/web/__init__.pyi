"""The public names of `unseen.web`: read by type checkers, and by lazy_loader at run time."""

from .address import Address as Address
from .app import create_app as create_app
from .serving import Models as Models
from .serving import ServingError as ServingError
from .serving import serve as serve
