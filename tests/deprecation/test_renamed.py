"""Old names: they work, they warn once, they are not advertised, and none outlives its release."""

from __future__ import annotations

import importlib
import math
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version

import unseen
from unseen.deprecation import ALIASES, renamed, superseded

INIT = '''\
"""A package with a table of contents and three old names."""
import lazy_loader
from unseen.deprecation import renamed

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = renamed(
    __name__,
    {"OldShape": "Shape", "OldRoot": "math:sqrt", "OldGone": "Gone"},
    removed_in="0.3",
    otherwise=__getattr__,
)
'''
STUB = "from .shapes import Shape as Shape\n"


@pytest.fixture
def package(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a new lazy package with old names."""
    name = f"room_{abs(hash(request.node.nodeid))}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text(INIT)
    (folder / "__init__.pyi").write_text(STUB)
    (folder / "shapes.py").write_text("class Shape: ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    for known in [one for one in ALIASES if one.startswith(f"{name}.")]:
        del ALIASES[known]


def test_an_old_name_is_the_new_one_and_warns_once_with_all_that_a_user_needs(package: str) -> None:
    module = importlib.import_module(package)
    with pytest.warns(DeprecationWarning) as caught:
        assert module.OldShape is module.Shape
        assert module.OldShape is module.Shape
    (warning,) = caught
    assert str(warning.message) == (
        f"{package}.OldShape is now {package}.Shape. The old name will be removed in unseen 0.3."
    )
    assert warning.filename == __file__, "the warning points at the caller"


def test_from_import_of_an_old_name_warns_at_the_import(package: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"from {package} import OldRoot\nprint(OldRoot(9.0))\n")
    done = subprocess.run(
        [sys.executable, "-W", "always", str(script)], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "3.0\n"
    assert f"script.py:1: DeprecationWarning: {package}.OldRoot is now math.sqrt." in done.stderr


def test_new_names_do_not_warn_and_old_names_are_not_advertised(package: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        module = importlib.import_module(package)
        assert module.Shape.__name__ == "Shape"
    assert module.__all__ == ["Shape"]
    assert not {"OldShape", "OldRoot", "OldGone"} & set(dir(module))


def test_nothing_is_imported_before_an_old_name_is_asked_for(package: str) -> None:
    importlib.import_module(package)
    assert f"{package}.shapes" not in sys.modules


def test_unknown_names_are_still_attribute_errors(package: str) -> None:
    module = importlib.import_module(package)
    with pytest.raises(AttributeError, match="Nothing"):
        _ = module.Nothing
    with pytest.raises(AttributeError, match="module 'here' has no attribute 'Nothing'"):
        renamed("here", {}, removed_in="0.3")("Nothing")


def test_an_alias_of_nothing_is_an_attribute_error(package: str) -> None:
    module = importlib.import_module(package)
    with pytest.warns(DeprecationWarning), pytest.raises(AttributeError, match="Gone"):
        _ = module.OldGone


def test_a_superseded_name_works_and_its_warning_names_the_successor() -> None:
    find = superseded("here", {"root": ("math:sqrt", "math.pow")}, removed_in="0.3")
    try:
        with pytest.warns(DeprecationWarning) as caught:
            assert find("root") is math.sqrt and find("root") is math.sqrt
        (warning,) = caught
        assert str(warning.message) == "here.root is superseded by math.pow. It will be removed in unseen 0.3."
        assert warning.filename == __file__, "the warning points at the caller"
        with pytest.raises(AttributeError, match="module 'here' has no attribute 'power'"):
            find("power")
    finally:
        del ALIASES["here.root"]


@pytest.mark.parametrize(("old", "successor"), [
    ("unseen.evaluation.Adjustment", "unseen.evaluation.like_pairs"),
    ("unseen.evaluation.fit_adjustment", "unseen.evaluation.like_pairs"),
    ("unseen.screening.is_lateral", "unseen.data.projection_of"),
])  # fmt: skip
def test_names_of_withdrawn_methods_warn_and_are_not_advertised(old: str, successor: str) -> None:
    package, _, name = old.rpartition(".")
    script = (
        f"import {package}; print({name!r} in dir({package})); from {package} import {name}; print({name}.__name__)"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", name]
    assert f"DeprecationWarning: {old} is superseded by {successor}. It will be removed in unseen 0.4." in done.stderr


def test_every_alias_of_the_package_loads_and_none_is_past_its_release() -> None:
    packages = sorted((Path(unseen.__file__).parent).rglob("__init__.py"))
    for path in packages:
        importlib.import_module(".".join(path.parent.relative_to(Path(unseen.__file__).parents[1]).parts))
    now = Version(unseen.__version__)
    for alias in [one for one in ALIASES.values() if one.old.startswith("unseen.") and "example" not in one.old]:
        where, _, what = alias.new.rpartition(".")
        assert getattr(importlib.import_module(where), what) is not None, alias
        package, _, old = alias.old.rpartition(".")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            assert getattr(importlib.import_module(package), old) is not None, alias
        assert now < Version(alias.removed_in), f"Remove the alias {alias.old}: this is {now}."
