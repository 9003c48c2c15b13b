"""Connection to an archive: films come in by DICOM, results go back as DICOM objects, reports come in by HL7 and FHIR.

Nothing here imports the web pages, nor FastAPI.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
