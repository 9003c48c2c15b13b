"""Settings are written once, in `Config`: signatures, type checkers and messages follow it."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from annotated_types import Ge, Le

from unseen.artifacts.recipe import RecipeError
from unseen.detectors import METHODS, Dae, Pca
from unseen.priors import GENERATORS
from unseen.reconstruction import RECONSTRUCTORS

ROOT = Path(__file__).resolve().parents[2]


def configured_classes() -> Iterator[type[Any]]:
    for registry in (METHODS, GENERATORS, RECONSTRUCTORS):
        for key in registry.own:
            yield registry.load(key)


@pytest.mark.nightly
def test_type_checkers_check_the_settings_of_a_constructor() -> None:
    calls = Path(__file__).with_name("constructor_calls.py")
    words = (sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", calls)
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


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
