"""The public names of `unseen_server.pacs`: read by type checkers, and by lazy_loader at run time."""

from .commitment import CommitmentReport as CommitmentReport
from .config import PacsConfig as PacsConfig
from .config import PacsConfigError as PacsConfigError
from .header_repair import HeaderError as HeaderError
from .identifiers import is_ours as is_ours
from .node import Node as Node
from .node import NodePart as NodePart
from .objects import as_file as as_file
from .objects import result_objects as result_objects
from .study_result import FilmResult as FilmResult
from .study_result import Replaced as Replaced
from .study_result import StudyResult as StudyResult
