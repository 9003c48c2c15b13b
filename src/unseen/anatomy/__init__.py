"""Anatomy: from a film to network input.

`LungFinder` finds the lungs, `cross_fitted` gives masks that no film's own annotation has shaped, `View` says how a
film becomes network input and `Viewed` is what came out.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.anatomy.crossfit import CrossFittedLungs as CrossFittedLungs
    from unseen.anatomy.crossfit import cross_fitted as cross_fitted
    from unseen.anatomy.lungs import LungExamples as LungExamples
    from unseen.anatomy.lungs import LungFinder as LungFinder
    from unseen.anatomy.view import View as View
    from unseen.anatomy.view import Viewed as Viewed

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "crossfit": ["CrossFittedLungs", "cross_fitted"],
        "lungs": ["LungExamples", "LungFinder"],
        "view": ["View", "Viewed"],
    },
)
