"""The public names of `unseen.service`: read by type checkers, and by lazy_loader at run time."""

from .active_models import ActiveModels as ActiveModels
from .models import FurtherModel as FurtherModel
from .models import Models as Models
from .watching import Repeated as Repeated
from .watching import Watch as Watch
from .worker_process import Settings as Settings
from .workers import Staff as Staff
from .workers import Workers as Workers
