"""The public names of `unseen.lab`: read by type checkers, and by lazy_loader at run time."""

from .collection import Collection as Collection
from .comparison import Result as Result
from .comparison import compare as compare
from .images import IMAGES as IMAGES
from .images import as_image as as_image
from .measuring import Measured as Measured
from .measuring import look_of as look_of
from .measuring import measured as measured
from .methods import picture_of as picture_of
from .operators import Setup as Setup
