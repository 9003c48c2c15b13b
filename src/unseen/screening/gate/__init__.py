"""The input gate: a film unlike the training films is not scored, and the reason is given in plain words.

`Gate.fit(normals, finder=…)` learns from normal films and their own transforms alone; `gate.judge(film, lungs)` looks
at one film's DICOM tags, its image and its predicted lungs, and returns None or a `Refusal`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
