"""Service under every way into the worklist, such as HTTP and DICOM, which it does not import.

    Watch         a folder whose films are received
    ReportCodes   a site's table that turns reports into outcomes; `load_report_codes` reads it
    ActiveModels  what scores now: what leads activated, and the workers in step with it
    Models        the model that decides, its policy, and the models compared with it; read without their weights
    Workers       processes that score, started again when they die or when another model is to score
    Settings      what one worker process scores, and where
    Repeated      a task that runs again and again in a thread

Nothing here imports FastAPI or Starlette.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
