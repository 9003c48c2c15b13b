"""The input gate: a film unlike the training films is not scored, and the reason is given in plain words.

`Gate.fit(normals, finder=…)` learns from normal films and their own transforms alone; `gate.judge(film, lungs)` looks
at one film's DICOM tags, its image and its predicted lungs, and returns None or a `Refusal`.
"""

import lazy_loader

from unseen.deprecation import renamed

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = renamed(__name__, {"KINDS": "CODES"}, removed_in="0.4", otherwise=__getattr__)
