"""The HTTP API: films come in, readers take, report and undo; JSON, described by OpenAPI, for people and programs.

    create_app   a worklist's store → the application (FastAPI), with a folder that it watches
    serve        the whole server: a socket, the application, worker processes, until it is told to stop
    Address      where it listens, and by which names it may be called
    Models       the model and the policy that worker processes score with

It shows and asks: what a study's state allows is the worklist's to say, who may ask is decided here.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.web.address import Address as Address
    from unseen.web.app import create_app as create_app
    from unseen.web.models import Models as Models
    from unseen.web.serving import ServingError as ServingError
    from unseen.web.serving import serve as serve

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "address": ["Address"],
        "app": ["create_app"],
        "models": ["Models"],
        "serving": ["ServingError", "serve"],
    },
)
