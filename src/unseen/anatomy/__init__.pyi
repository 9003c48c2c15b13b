"""The public names of `unseen.anatomy`: read by type checkers, and by lazy_loader at run time."""

from .cross_fitted_lungs import CrossFittedLungs as CrossFittedLungs
from .cross_fitted_lungs import cross_fitted as cross_fitted
from .found_lungs import FoundLungs as FoundLungs
from .found_lungs import share_finders as share_finders
from .lung_finder import LESIONS_INSIDE as LESIONS_INSIDE
from .lung_finder import LungExamples as LungExamples
from .lung_finder import LungFinder as LungFinder
from .network_view import View as View
from .network_view import Viewed as Viewed
