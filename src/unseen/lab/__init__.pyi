"""The public names of `unseen.lab`: read by type checkers, and by lazy_loader at run time."""

from .collection import Collected as Collected
from .collection import Collection as Collection
from .comparison import Result as Result
from .comparison import compare as compare
from .comparison import tried_method as tried_method
from .images import IMAGES as IMAGES
from .images import as_image as as_image
from .learnability import GROUPS as GROUPS
from .learnability import verdict_of as verdict_of
from .measurement_image import look_of as look_of
from .measuring import Measured as Measured
from .measuring import measured as measured
from .measuring import operator_of as operator_of
from .methods import MAX_SLIDERS as MAX_SLIDERS
from .methods import SLIDER_REACH as SLIDER_REACH
from .methods import Method as Method
from .methods import drawn_latent as drawn_latent
from .methods import offered_methods as offered_methods
from .methods import picture_of as picture_of
from .noises import NOISES as NOISES
from .operators import OPERATORS as OPERATORS
from .settings import IMAGE_SIZES as IMAGE_SIZES
from .settings import Choice as Choice
from .settings import choice_fields as choice_fields
from .settings import choice_kind as choice_kind
from .setup import Setup as Setup
