"""From a score to a decision: clear, read, or not scored, with a guarantee that a site can check.

    load         a model's bundle and a policy file → a `Screener`
    calibrate    labelled films → a `Screener` with its `Policy`
    Screener     a film → a `Decision`; films → `Screened`, lazily; a study → a `Decision`
    Guarantee    how many abnormals are needed, how many may be missed, and the threshold that follows
    Gate         refuses films unlike the training films, and says why
    DriftWatch   are late scores still those of the calibration?

A policy is bound to one model's weights. Without one, films are ranked and nothing is cleared.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.screening.audit_sample import abnormal_share as abnormal_share
    from unseen.screening.audit_sample import is_sampled as is_sampled
    from unseen.screening.calibrating import calibrate as calibrate
    from unseen.screening.calibrating import policy_of as policy_of
    from unseen.screening.decision import Decision as Decision
    from unseen.screening.drift import Alarm as Alarm
    from unseen.screening.drift import DriftWatch as DriftWatch
    from unseen.screening.gate.gate import Gate as Gate
    from unseen.screening.gate.refusal import Refusal as Refusal
    from unseen.screening.guarantee import Guarantee as Guarantee
    from unseen.screening.guarantee import GuaranteeError as GuaranteeError
    from unseen.screening.loading import load as load
    from unseen.screening.policy import Policy as Policy
    from unseen.screening.policy import PolicyError as PolicyError
    from unseen.screening.probability import ProbabilityMap as ProbabilityMap
    from unseen.screening.probability import fit_probability as fit_probability
    from unseen.screening.reliability_diagram import Reliability as Reliability
    from unseen.screening.reliability_diagram import reliability as reliability
    from unseen.screening.screener import Screened as Screened
    from unseen.screening.screener import Screener as Screener
    from unseen.screening.studies import Study as Study

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=[],
    submod_attrs={
        "audit_sample": ["abnormal_share", "is_sampled"],
        "calibrating": ["calibrate", "policy_of"],
        "decision": ["Decision"],
        "drift": ["Alarm", "DriftWatch"],
        "gate.gate": ["Gate"],
        "gate.refusal": ["Refusal"],
        "guarantee": ["Guarantee", "GuaranteeError"],
        "loading": ["load"],
        "policy": ["Policy", "PolicyError"],
        "probability": ["ProbabilityMap", "fit_probability"],
        "reliability_diagram": ["Reliability", "reliability"],
        "screener": ["Screened", "Screener"],
        "studies": ["Study"],
    },
)
