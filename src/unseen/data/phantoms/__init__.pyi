"""The public names of `unseen.data.phantoms`: read by type checkers, and by lazy_loader at run time."""

from . import lesion_ranges as lesion_ranges
from .dicom_phantoms import Station as Station
from .dicom_phantoms import as_dicom as as_dicom
from .lesion_ranges import Kind as Kind
from .sequences import Case as Case
from .sequences import Phantoms as Phantoms
from .sequences import Stream as Stream
from .sequences import abnormals as abnormals
from .sequences import draw_exposed as draw_exposed
from .sequences import draw_healthy as draw_healthy
from .sequences import normals as normals
from .sequences import twins as twins
from .writing import write as write
