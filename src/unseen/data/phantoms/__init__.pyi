"""The public names of `unseen.data.phantoms`: read by type checkers, and by lazy_loader at run time."""

from . import lesion_ranges as lesion_ranges
from .sequences import Phantoms as Phantoms
from .sequences import abnormals as abnormals
from .sequences import normals as normals
from .sequences import twins as twins
from .writing import write as write
