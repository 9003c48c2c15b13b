"""The public names of `unseen.data`: read by type checkers, and by lazy_loader at run time."""

from . import phantoms as phantoms
from .arrays import ArrayError as ArrayError
from .arrays import read_array as read_array
from .film import Film as Film
from .film import NotRead as NotRead
from .film import area as area
from .label_names import LabelNames as LabelNames
from .manifest import Entry as Entry
from .manifest import ManifestError as ManifestError
from .manifest import SourceError as SourceError
from .reading import Films as Films
from .reading import NotReadError as NotReadError
from .reading import films as films
from .toy_images import read_digits as read_digits
from .toy_images import squares_and_circles as squares_and_circles
