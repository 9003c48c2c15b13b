"""The public names of `unseen_server`: read by type checkers, and by lazy_loader at run time."""

from . import demo as demo
from . import pacs as pacs
from . import service as service
from . import web as web
from . import worklist as worklist

__version__: str
