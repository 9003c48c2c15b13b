"""The public names of `unseen`: read by type checkers, and by lazy_loader at run time."""

from . import anatomy as anatomy
from . import artifacts as artifacts
from . import data as data
from . import detectors as detectors
from . import evaluation as evaluation
from . import lab as lab
from . import losses as losses
from . import networks as networks
from . import physics as physics
from . import priors as priors
from . import reconstruction as reconstruction
from . import runs as runs
from . import screening as screening
from . import testing as testing
from . import training as training
from .evaluation.findings_table import table as table

__version__: str
