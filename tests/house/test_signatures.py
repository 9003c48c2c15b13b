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
CALLS = """
from unseen.anatomy import View
from unseen.detectors import AeSsim, Dae, Ensemble, Pca
from unseen.priors import VAE, Generator
from unseen.reconstruction import ArtifactRemoval, Unrolled

detector: Dae = Dae(size=32, features=8)
Dae(Dae.Config(features=8), view=View(size=32))
sigma: float = detector.config.sigma
VAE(latent=8)
ArtifactRemoval(features=8, network=None)
Dae(features="x")  # features
Dae(fetures=3)  # fetures
Dae(Pca.Config())  # Pca.Config
AeSsim(latnet=3)  # latnet
Ensemble(by=3)  # by
VAE()  # latent
VAE(latent=8, variance="x")  # variance
Unrolled(iterations="x")  # iterations
ArtifactRemoval(network=3)  # network
"""


def configured_classes() -> Iterator[type[Any]]:
    for registry in (METHODS, GENERATORS, RECONSTRUCTORS):
        for key in registry.own:
            yield registry.load(key)


def test_type_checkers_check_the_settings_of_a_constructor(tmp_path: Path) -> None:
    program = tmp_path / "calls.py"
    program.write_text(CALLS, encoding="utf-8")
    words = (sys.executable, "-m", "mypy", "--strict", "--config-file", ROOT / "pyproject.toml", program)
    printed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True).stdout
    errors = {int(line.split(":")[1]): line for line in printed.splitlines() if ": error:" in line}
    wrong = {i: line.partition("  # ")[2] for i, line in enumerate(CALLS.splitlines(), start=1) if "  # " in line}
    assert errors.keys() == wrong.keys(), printed
    for number, word in wrong.items():
        assert word in errors[number]


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
