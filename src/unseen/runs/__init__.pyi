"""The public names of `unseen.runs`: read by type checkers, and by lazy_loader at run time."""

from .archive.plan import ArchiveError as ArchiveError
from .archive.plan import ArchivePlan as ArchivePlan
from .archive.plan import cut_parts as cut_parts
from .archive.plan import part_path as part_path
from .archive.plan import part_tally as part_tally
from .archive.plan import read_part as read_part
from .archive.plan import read_parts as read_parts
from .cohort import Cohort as Cohort
from .cohort import cohort_of as cohort_of
from .normal_scores import add_normal_scores as add_normal_scores
from .process_pool import worker_processes as worker_processes
from .reconstructor_images import images_of as images_of
from .reconstructor_training import TrainedReconstructor as TrainedReconstructor
from .reconstructor_training import train_reconstructor as train_reconstructor
from .training import Trained as Trained
from .training import train_recipe as train_recipe
