"""The public names of `unseen.training`: read by type checkers, and by lazy_loader at run time."""

from .errors import TrainingError as TrainingError
from .history import History as History
from .learner import Learner as Learner
from .learner import Step as Step
from .loop import Progress as Progress
from .loop import train as train
from .precision import fastest_precision as fastest_precision
from .settings import Training as Training
from .showing import shown_on as shown_on
