"""Settings are written once, in `Config`: signatures and messages follow it. mypy checks `constructor_calls.py`."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest
from annotated_types import Ge, Le

from unseen.artifacts.recipe import RecipeError
from unseen.detectors import METHODS, Dae, Pca
from unseen.priors import GENERATORS
from unseen.reconstruction import RECONSTRUCTORS


def configured_classes() -> Iterator[type[Any]]:
    for registry in (METHODS, GENERATORS, RECONSTRUCTORS):
        for key in registry.own:
            yield registry.load(key)


def test_a_signature_shows_every_setting_with_its_bounds_and_default() -> None:
    for kind in configured_classes():
        shown = inspect.signature(kind).parameters
        for name, field in kind.Config.model_fields.items():
            assert shown[name].kind is inspect.Parameter.KEYWORD_ONLY
            assert (shown[name].default is inspect.Parameter.empty) == field.is_required(), (kind, name)
        assert not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in shown.values()), kind
    features = inspect.signature(Dae).parameters["features"]
    assert get_origin(features.annotation) is Annotated
    assert get_args(features.annotation) == (int, Ge(4), Le(256))
    assert features.default == Dae.Config().features


def test_a_mistyped_keyword_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"pca\.component: unknown; did you mean components\?"):
        Pca(component=3)  # type: ignore[call-arg]
    with pytest.raises(RecipeError, match=r"pca\.sise: unknown; did you mean size\?"):
        Pca(sise=64)  # type: ignore[call-arg]


def test_settings_are_given_once() -> None:
    with pytest.raises(RecipeError, match=r"pca: seen a config and components. Give one of them"):
        Pca(Pca.Config(), components=3)
