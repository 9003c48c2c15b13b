"""The HTTP API: films come in, readers take, report and undo; JSON, described by OpenAPI, for people and programs.

    create_app   a worklist's store → the application (FastAPI), with a folder that it watches
    serve        the whole server: a socket, the application, worker processes, until it is stopped
    Address      where it listens, and by which names it may be called
    Models       the model and the policy that worker processes score with

It shows and asks: what a study's state allows is the worklist's to say, who may ask is decided here.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
