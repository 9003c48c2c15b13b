"""The public names of `unseen.evaluation`: read by type checkers, and by lazy_loader at run time."""

from .adjusted import Adjustment as Adjustment
from .adjusted import fit_adjustment as fit_adjustment
from .comparing import Comparison as Comparison
from .comparing import compare as compare
from .delong import delong_test as delong_test
from .epochs import BestEpoch as BestEpoch
from .epochs import best_epoch as best_epoch
from .evaluating import Evaluation as Evaluation
from .evaluating import evaluate as evaluate
from .evaluating import write_evaluation as write_evaluation
from .figures import metrics_from_table as metrics_from_table
from .interval import Interval as Interval
from .interval import Missing as Missing
from .maximum_mean_discrepancy import MeanDiscrepancy as MeanDiscrepancy
from .maximum_mean_discrepancy import mmd as mmd
from .precision_recall_of_samples import PrecisionRecall as PrecisionRecall
from .precision_recall_of_samples import precision_recall as precision_recall
from .report import report_html as report_html
from .report import write_report as write_report
from .roc import auroc as auroc
from .shortcuts import trivial_statistics as trivial_statistics
from .table import Scored as Scored
from .table import score_table as score_table
