"""What a run leaves behind, and how things are found by name: atomic files, registries, recipes, bundles, run folders.

This room knows no method: it holds names, settings and tensors for the rooms above, and never imports them by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.artifacts.bundle import Bundle as Bundle
    from unseen.artifacts.bundle import BundleError as BundleError
    from unseen.artifacts.bundle import Card as Card
    from unseen.artifacts.recipe import Recipe as Recipe
    from unseen.artifacts.recipe import RecipeError as RecipeError
    from unseen.artifacts.registry import Registry as Registry
    from unseen.artifacts.registry import UnknownName as UnknownName
    from unseen.artifacts.run import Run as Run

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["bundle", "files", "recipe", "registry", "run", "unknown"],
    submod_attrs={
        "bundle": ["Bundle", "BundleError", "Card"],
        "recipe": ["Recipe", "RecipeError"],
        "registry": ["Registry", "UnknownName"],
        "run": ["Run"],
    },
)
