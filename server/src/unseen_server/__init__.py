"""Worklist server of unseen: films come in, are scored, ranked and read; results return to the archive.

Research use only. Not a medical device. Not for diagnosis.

The packages, from the top layer to the bottom layer (a package imports only from layers below it):

- ``cli``: the commands that the program `unseen` has when this package is installed
- ``demo``: the demonstration: phantoms, two detectors, a report, a filled worklist
- ``web``: the HTTP API and the reader's page
- ``pacs``: the DICOM node: films in from the archive, results back to it, reports in by HL7 and FHIR
- ``service``: watched folders, loaded models, worker processes: shared by the web API and the DICOM node
- ``worklist``: studies, their order, decisions and reports, the audit trail; workers; the only SQL

A package is imported on first use. From the library, the server takes only the public names in ``port.toml``.
"""

import lazy_loader

__version__ = "0.2.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
