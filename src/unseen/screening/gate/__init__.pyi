"""The public names of `unseen.screening.gate`: read by type checkers, and by lazy_loader at run time."""

from .gate import Gate as Gate
from .gate import GateError as GateError
from .refusal import KINDS as KINDS
from .refusal import Refusal as Refusal
