"""The public names of `unseen.artifacts`: read by type checkers, and by lazy_loader at run time."""

from .bundle import Bundle as Bundle
from .bundle import BundleError as BundleError
from .bundle import Card as Card
from .errors import UserError as UserError
from .recipe import Recipe as Recipe
from .recipe import RecipeError as RecipeError
from .recipe import Run as Run
from .registry import Registry as Registry
from .registry import UnknownName as UnknownName
