"""The public names of `unseen.screening`: read by type checkers, and by lazy_loader at run time."""

from .audit_sample import abnormal_share as abnormal_share
from .audit_sample import is_sampled as is_sampled
from .calibrating import calibrate as calibrate
from .calibrating import policy_of as policy_of
from .decision import Decision as Decision
from .drift import Alarm as Alarm
from .drift import DriftWatch as DriftWatch
from .gate.gate import Gate as Gate
from .gate.refusal import Refusal as Refusal
from .guarantee import Guarantee as Guarantee
from .guarantee import GuaranteeError as GuaranteeError
from .loading import load as load
from .policy import Policy as Policy
from .policy import PolicyError as PolicyError
from .probability import ProbabilityMap as ProbabilityMap
from .probability import fit_probability as fit_probability
from .reliability_diagram import Reliability as Reliability
from .reliability_diagram import reliability as reliability
from .screener import Screened as Screened
from .screener import Screener as Screener
from .studies import Study as Study
