"""The public names of `unseen.training`: read by type checkers, and by lazy_loader at run time."""

from .history import History as History
from .joining import join as join
from .learner import Learner as Learner
from .learner import Step as Step
from .loop import train as train
from .precision import fastest_precision as fastest_precision
from .progress import Progress as Progress
from .progress_display import shown_on as shown_on
from .settings import Training as Training
from .settings import TrainingError as TrainingError
