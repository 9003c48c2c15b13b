"""The public names of `unseen.screening`: read by type checkers, and by lazy_loader at run time."""

from .adaptation import Adaptation as Adaptation
from .adaptation import adapt as adapt
from .calibration import Study as Study
from .calibration import calibrate as calibrate
from .calibration import policy_of as policy_of
from .gate.gate import Gate as Gate
from .gate.refusal import Refusal as Refusal
from .guarantee import Guarantee as Guarantee
from .guarantee import GuaranteeError as GuaranteeError
from .monitoring import Alarm as Alarm
from .monitoring import DriftWatch as DriftWatch
from .monitoring import abnormal_share as abnormal_share
from .monitoring import is_sampled as is_sampled
from .policy import Decision as Decision
from .policy import Policy as Policy
from .policy import PolicyError as PolicyError
from .probability import ProbabilityMap as ProbabilityMap
from .probability import Reliability as Reliability
from .probability import fit_probability as fit_probability
from .probability import reliability as reliability
from .screened import Screened as Screened
from .screener import Screener as Screener
from .screener import load as load
