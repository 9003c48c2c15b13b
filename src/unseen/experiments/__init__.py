"""Experiments: recipe → run → bundle → row, and what is made of the rows.

`train_recipe` trains one recipe on one fold; `cross_fit` trains and scores all test folds and gives the row;
`results` are rendered from rows alone; `demo` shows the whole on phantoms.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.experiments.cohort import Cohort as Cohort
    from unseen.experiments.cohort import cohort_of as cohort_of
    from unseen.experiments.crossfit import cross_fit as cross_fit
    from unseen.experiments.demonstration import demonstrate as demonstrate
    from unseen.experiments.running import Trained as Trained
    from unseen.experiments.running import train_recipe as train_recipe

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "cohort": ["Cohort", "cohort_of"],
        "crossfit": ["cross_fit"],
        "demonstration": ["demonstrate"],
        "running": ["Trained", "train_recipe"],
    },
)
