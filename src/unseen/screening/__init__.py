"""From a score to a decision: clear, read, or not scored, with a guarantee that a site can check.

    load         a model's bundle and a policy file → a `Screener`
    adapt        labelled films → a detector with a head that they taught, and what that adds
    calibrate    labelled films → a `Screener` with its `Policy`
    Screener     a film → a `Decision`; films → `Screened`, lazily; a study → a `Decision`
    Guarantee    how many abnormals are needed, how many may be missed, and the threshold that follows
    Gate         refuses films unlike the training films, and gives the reason
    DriftWatch   are late scores still those of the calibration?

A policy is bound to one model's weights. Without one, films are ranked and nothing is cleared.
"""

import lazy_loader

from unseen.deprecation import superseded

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = superseded(
    __name__,
    {"is_lateral": ("unseen.screening.frontal_check:is_lateral", "unseen.data.projection_of")},
    removed_in="0.4",
    otherwise=__getattr__,
)
