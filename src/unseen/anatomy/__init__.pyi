"""The public names of `unseen.anatomy`: read by type checkers, and by lazy_loader at run time."""

from .lungs import LESIONS_INSIDE as LESIONS_INSIDE
from .lungs import CrossFittedLungs as CrossFittedLungs
from .lungs import FoundLungs as FoundLungs
from .lungs import LungExamples as LungExamples
from .lungs import LungFinder as LungFinder
from .lungs import cross_fitted as cross_fitted
from .lungs import share_finders as share_finders
from .view import View as View
from .view import Viewed as Viewed
