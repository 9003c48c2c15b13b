"""Judges a detector: what it reaches, how sure that is, and whether a trivial picture statistic would do as well.

Nothing is trained here. A detector is anything with ``score(films)``; a table of scores is enough for every figure.

    score_table          films → one row each, with the trivial statistics beside the score
    metrics_from_table   rows → every figure with its interval (the shape of metrics.json)
    evaluate             both, and the report
    compare              several detectors' tables on the same films: differences, DeLong
    best_epoch           a figure that peeks, by its own name and apart from the headline

Of a generator's samples there are `mmd`, how far they are from real pictures, and `precision_recall`.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.evaluation.adjusted import Adjustment as Adjustment
    from unseen.evaluation.adjusted import fit_adjustment as fit_adjustment
    from unseen.evaluation.comparing import Comparison as Comparison
    from unseen.evaluation.comparing import compare as compare
    from unseen.evaluation.delong import delong_test as delong_test
    from unseen.evaluation.epochs import BestEpoch as BestEpoch
    from unseen.evaluation.epochs import best_epoch as best_epoch
    from unseen.evaluation.evaluating import Evaluation as Evaluation
    from unseen.evaluation.evaluating import evaluate as evaluate
    from unseen.evaluation.evaluating import write_evaluation as write_evaluation
    from unseen.evaluation.figures import metrics_from_table as metrics_from_table
    from unseen.evaluation.interval import Interval as Interval
    from unseen.evaluation.interval import Missing as Missing
    from unseen.evaluation.maximum_mean_discrepancy import MeanDiscrepancy as MeanDiscrepancy
    from unseen.evaluation.maximum_mean_discrepancy import mmd as mmd
    from unseen.evaluation.precision_recall_of_samples import PrecisionRecall as PrecisionRecall
    from unseen.evaluation.precision_recall_of_samples import precision_recall as precision_recall
    from unseen.evaluation.report import report_html as report_html
    from unseen.evaluation.report import write_report as write_report
    from unseen.evaluation.roc import auroc as auroc
    from unseen.evaluation.shortcuts import trivial_statistics as trivial_statistics
    from unseen.evaluation.table import Scored as Scored
    from unseen.evaluation.table import score_table as score_table

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "adjusted": ["Adjustment", "fit_adjustment"],
        "comparing": ["Comparison", "compare"],
        "delong": ["delong_test"],
        "epochs": ["BestEpoch", "best_epoch"],
        "evaluating": ["Evaluation", "evaluate", "write_evaluation"],
        "figures": ["metrics_from_table"],
        "interval": ["Interval", "Missing"],
        "maximum_mean_discrepancy": ["MeanDiscrepancy", "mmd"],
        "precision_recall_of_samples": ["PrecisionRecall", "precision_recall"],
        "report": ["report_html", "write_report"],
        "roc": ["auroc"],
        "shortcuts": ["trivial_statistics"],
        "table": ["Scored", "score_table"],
    },
)
