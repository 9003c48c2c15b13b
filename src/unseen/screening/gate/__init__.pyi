"""The public names of `unseen.screening.gate`: read by type checkers, and by lazy_loader at run time."""

from .gate import Gate as Gate
from .gate import GateError as GateError
from .refusal_codes import CODES as CODES
from .refusal_codes import Refusal as Refusal
from .refusal_codes import RefusalCode as RefusalCode
from .refusal_codes import refusal_code as refusal_code
