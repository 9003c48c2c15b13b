"""Runs: recipe → run → bundle, for detectors and for generators.

`train_recipe` trains one recipe on one fold, resumes an interrupted run and finds a finished one; `cohort_of` deals a
recipe's films into training and test; `suspects` ranks training films that do not look normal.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
