"""The demonstration: phantoms, two detectors trained on the spot, a report, a calibration and a filled worklist.

`demonstrate` does all of it in one folder; `unseen demo` calls it and then opens the reader's page.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
