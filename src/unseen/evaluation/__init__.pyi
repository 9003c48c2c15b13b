"""The public names of `unseen.evaluation`: read by type checkers, and by lazy_loader at run time."""

from .adjusted import Adjustment as Adjustment
from .adjusted import fit_adjustment as fit_adjustment
from .assessment import Evaluation as Evaluation
from .assessment import evaluate as evaluate
from .assessment import write_evaluation as write_evaluation
from .comparison import Comparison as Comparison
from .comparison import compare as compare
from .comparison import delong_test as delong_test
from .image_metrics import MeanDiscrepancy as MeanDiscrepancy
from .image_metrics import PrecisionRecall as PrecisionRecall
from .image_metrics import mmd as mmd
from .image_metrics import precision_recall as precision_recall
from .image_metrics import psnr as psnr
from .image_metrics import ssim as ssim
from .intervals import Interval as Interval
from .intervals import Missing as Missing
from .metrics import metrics_from_table as metrics_from_table
from .report import report_html as report_html
from .report import write_report as write_report
from .roc import BestEpoch as BestEpoch
from .roc import auroc as auroc
from .roc import best_epoch as best_epoch
from .shortcuts import trivial_statistics as trivial_statistics
from .table import Scored as Scored
from .table import score_table as score_table
