"""The one training loop, for every method: a `Learner` brings networks and losses, `train` drives them.

A killed run resumes to the same weights, bit for bit. Needs ``pip install "unseen[train]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.training.errors import TrainingError as TrainingError
    from unseen.training.history import History as History
    from unseen.training.learner import Learner as Learner
    from unseen.training.learner import Step as Step
    from unseen.training.loop import Progress as Progress
    from unseen.training.loop import train as train
    from unseen.training.precision import fastest_precision as fastest_precision
    from unseen.training.settings import Training as Training
    from unseen.training.showing import shown_on as shown_on

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["checkpoint", "errors", "history", "interrupt", "learner", "loop", "precision", "settings", "showing"],
    submod_attrs={
        "errors": ["TrainingError"],
        "history": ["History"],
        "learner": ["Learner", "Step"],
        "loop": ["Progress", "train"],
        "precision": ["fastest_precision"],
        "settings": ["Training"],
        "showing": ["shown_on"],
    },
)
