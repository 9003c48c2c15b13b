"""Judges a detector: what it reaches, how sure that is, and whether a trivial image statistic would do as well.

Nothing is trained here. A detector is anything with ``score(films)``; a table of scores is enough for every figure.

    score_table          films → one row each, with the trivial statistics beside the score
    metrics_from_table   rows → every figure with its interval (the shape of metrics.json)
    evaluate             both, and the report
    compare              several detectors' tables on the same films: differences, DeLong
    like_pairs           abnormal and normal films with similar covariates, compared by their scores
    laterality           is the map's mass greater in the ill lung?
    best_epoch           a figure that peeks, by its own name and apart from the headline

Of a generator's samples there are `mmd`, how far they are from real images, and `precision_recall`.
"""

import lazy_loader

from unseen.deprecation import superseded

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = superseded(
    __name__,
    {
        name: (f"unseen.evaluation.withdrawn_adjustment:{name}", "unseen.evaluation.like_pairs")
        for name in ("Adjustment", "fit_adjustment")
    },
    removed_in="0.4",
    otherwise=__getattr__,
)
