"""The public names of `unseen.testing`: read by type checkers, and by lazy_loader at run time."""

from .detectors import DETECTOR_LAWS as DETECTOR_LAWS
from .detectors import check_detector as check_detector
from .imaging import LOSS_LAWS as LOSS_LAWS
from .imaging import NOISE_LAWS as NOISE_LAWS
from .imaging import OPERATOR_LAWS as OPERATOR_LAWS
from .imaging import PRIOR_LAWS as PRIOR_LAWS
from .imaging import check_loss as check_loss
from .imaging import check_noise as check_noise
from .imaging import check_operator as check_operator
from .imaging import check_prior as check_prior
