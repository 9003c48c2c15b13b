"""The public names of `unseen.artifacts`: read by type checkers, and by lazy_loader at run time."""

from .bundle import Bundle as Bundle
from .bundle import BundleError as BundleError
from .bundle import Card as Card
from .bundle import card_of as card_of
from .errors import UserError as UserError
from .errors import reason_of as reason_of
from .files import replacing as replacing
from .files import replacing_folder as replacing_folder
from .files import sha256_of as sha256_of
from .files import write_bytes as write_bytes
from .files import write_text as write_text
from .installation import LIMITS as LIMITS
from .installation import shipped as shipped
from .model_digest import part_digests as part_digests
from .recipe import Recipe as Recipe
from .recipe import RecipeError as RecipeError
from .recipe import Run as Run
from .recipe import validated as validated
from .registry import PluginError as PluginError
from .registry import Registry as Registry
from .registry import UnknownName as UnknownName
from .registry import did_you_mean as did_you_mean
