"""A detector's settings are in its signature, for type checkers and editors, and a mistyped one is named."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest

from tests.house.signatures import classes, outdated
from unseen.artifacts.recipe import RecipeError
from unseen.detectors import Pca


def test_signatures_are_those_of_the_settings() -> None:
    late = [kind.__name__ for kind in outdated()]
    assert not late, f"{late}: run python -m tests.house.signatures --write"


def test_no_class_of_a_registry_hides_its_settings() -> None:
    for kind in classes():
        source = ast.parse(inspect.getsource(importlib.import_module(kind.__module__)))
        (body,) = (node.body for node in source.body if isinstance(node, ast.ClassDef) and node.name == kind.__name__)
        (block,) = (node for node in body if isinstance(node, ast.If))
        (signature,) = block.body
        assert isinstance(signature, ast.FunctionDef)
        named = {argument.arg for argument in signature.args.kwonlyargs}
        assert set(kind.Config.model_fields) <= named, kind
        assert signature.args.kwarg is None, kind


def test_a_mistyped_keyword_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"pca\.component: unknown; did you mean components\?"):
        Pca(component=3)  # type: ignore[call-arg]
    with pytest.raises(RecipeError, match=r"pca\.sise: unknown; did you mean size\?"):
        Pca(sise=64)  # type: ignore[call-arg]


def test_settings_are_given_once() -> None:
    with pytest.raises(RecipeError, match=r"pca: seen a config and components. Give one of them"):
        Pca(Pca.Config(), components=3)
