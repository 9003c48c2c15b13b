"""The public names of `unseen.runs`: read by type checkers, and by lazy_loader at run time."""

from .archive.plan import ArchiveError as ArchiveError
from .archive.plan import read_parts as read_parts
from .cohort import Cohort as Cohort
from .cohort import cohort_of as cohort_of
from .training import Trained as Trained
from .training import train_recipe as train_recipe
