"""The reference describes every parameter of every public name, and shows an example of each."""

from __future__ import annotations

import doctest
import importlib
import re
import sys
import tomllib

import griffe
import pytest
from pydantic import BaseModel, Field

from tests.docs.blocks import ROOT

sys.path.insert(0, str(ROOT / "docs"))

docstring_layout = importlib.import_module("docstring_layout")
reference_counts = importlib.import_module("reference_counts")
reference_lists = importlib.import_module("reference_lists")
reference_pages = importlib.import_module("reference_pages")
reference_roots = importlib.import_module("reference_roots")
settings_tables = importlib.import_module("settings_tables")

TOY = '''
"""`Blur`: a Gaussian blur.

    y = g * x

Source: arXiv 1807.02011.
"""

class Blur:
    """Blurs an image.

    Args:
        sigma: width of the Gaussian,
            in pixels.

    >>> Blur(sigma=1.0)
    """

    def __init__(self, *, sigma): ...


def bare(x): ...


class BlurError(ValueError):
    """Never described."""
'''


def laid_out(name: str) -> griffe.Object:
    with griffe.temporary_visited_module(TOY, module_name="toy", docstring_parser="google") as module:
        found = module[name]
        if found.docstring is not None:
            found.docstring.value = docstring_layout.laid_out(found.docstring.value)
        return found


def test_a_described_class_with_an_example_lacks_nothing() -> None:
    blur = laid_out("Blur")
    assert reference_counts.lacking(blur) == []
    assert blur.docstring is not None
    kinds = [section.kind.value for section in blur.docstring.parsed]
    assert kinds == ["text", "parameters", "examples"]


def test_a_name_without_words_lacks_an_example_and_each_parameter() -> None:
    assert reference_counts.lacking(laid_out("bare")) == ["example", "x"]


def test_an_error_needs_no_example() -> None:
    assert reference_counts.lacking(laid_out("BlurError")) == []


def test_the_reference_of_no_public_name_lacks_an_example_or_a_parameter() -> None:
    """The build of the site refuses the same, but only `make nightly` and `make docs` build it."""
    found, number = reference_counts.every_problem()
    assert found == [] and number > 500


def test_every_exception_has_a_reason_and_is_a_public_name() -> None:
    """Every exception is a public name outside of the prioritised packages, and has a reason of three words or more.

    The build of the site checks that each exception is still needed.
    """
    excepted = tomllib.loads(reference_counts.EXCEPTIONS.read_text(encoding="utf-8"))
    listed = reference_pages.every_listed()
    assert set(excepted) <= set(listed)
    assert all(len(reason.split()) >= 3 for reason in excepted.values())
    assert not {name for name in excepted if name.split(".")[0] in PRIORITISED}


PRIORITISED = ("detectors", "physics", "losses", "priors", "reconstruction", "evaluation", "screening", "data")


def test_a_settings_table_has_range_unit_and_meaning() -> None:
    class Config(BaseModel):
        sigma: float = Field(default=1.0, gt=0, le=9, description="width", json_schema_extra={"unit": "pixels"})

    last = settings_tables.table(Config, {}).splitlines()[-1]
    assert last == "| `sigma` | `float` | `1.0` | > 0, ≤ 9 | pixels | width |"


def test_pages_of_both_packages_name_the_package_to_import() -> None:
    assert reference_pages.page("data").startswith("# un.data\n")
    page = reference_pages.page("worklist")
    assert page.startswith("# unseen_server.worklist\n")
    assert "\n::: unseen_server.worklist.store.Store\n" in page
    assert {"unseen", "unseen_server"} == {path.split(".")[0] for path in reference_pages.every_listed().values()}


@pytest.mark.parametrize(
    "module", [docstring_layout, settings_tables, reference_lists, reference_roots], ids=lambda one: one.__name__
)
def test_the_examples_of_the_hooks_hold(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


def test_every_registered_method_is_at_a_glance() -> None:
    page = reference_lists.glance()
    for package, name in reference_lists.REGISTRIES.values():
        for key in getattr(importlib.import_module(package), name).own:
            assert f"| `{key}` |" in page, key
    assert page.count("https://arxiv.org/abs/") >= 20


def test_every_command_is_on_the_page_of_the_command_line() -> None:
    page = reference_lists.commands()
    for name, _ in reference_lists.named(reference_lists.app_group(), "unseen"):
        assert f"\n## {name}\n" in page
    assert not re.search(r"\[/?bold\]", page)


def test_every_parameter_in_the_settings_of_a_method_has_a_meaning() -> None:
    for package, name in reference_lists.REGISTRIES.values():
        registry = getattr(importlib.import_module(package), name)
        for key in registry.own:
            model = settings_tables.settings_of(registry.load(key))
            for field in () if model is None else model.model_fields:
                assert settings_tables.meaning_of(model, field), f"{key}.{field}: Field(description=…)"
