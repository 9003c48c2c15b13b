"""The input gate: a film unlike the training films is not scored, and the reason is said in plain words.

`Gate.fit(normals, finder=…)` learns from normal films and their own transforms alone; `gate.judge(film, lungs)` looks
at one film's DICOM tags, its picture and its predicted lungs, and returns None or a `Refusal`.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.screening.gate.gate import Gate as Gate
    from unseen.screening.gate.gate import GateError as GateError
    from unseen.screening.gate.refusal import KINDS as KINDS
    from unseen.screening.gate.refusal import Refusal as Refusal

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"gate": ["Gate", "GateError"], "refusal": ["KINDS", "Refusal"]},
)
