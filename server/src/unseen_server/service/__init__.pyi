"""The public names of `unseen_server.service`: read by type checkers, and by lazy_loader at run time."""

from .active_models import ActiveModels as ActiveModels
from .outside_report_codes import ReportCodes as ReportCodes
from .outside_report_codes import load_report_codes as load_report_codes
from .repeated import Repeated as Repeated
from .scoring_models import FurtherModel as FurtherModel
from .scoring_models import Models as Models
from .watched_folder import FolderWatch as FolderWatch
from .worker_main import WorkerSettings as WorkerSettings
from .workers import Workers as Workers
from .workers import WorkerStatus as WorkerStatus
