"""Counterpart of a figure of a source document: our value with its training and page, or the cost of a training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec

from studies import recipe_files as recipes
from studies.pages.training_cost import SourceTraining, cost_of, cost_text, two_digits
from studies.rows import Row

Rows = Mapping[str, Row]
Arguments = ParamSpec("Arguments")
NOT_RUN = "not run"
IMAGING_PAGE = "[imaging](results-imaging.md)"
THESIS_PAGE = "[thesis](results-thesis.md)"
DETECTORS_PAGE = "[detectors](results-detectors.md#the-test-folds)"
PRIORS_PAGE = "[priors](results-priors.md)"
OUTLOOK_PAGE = "[imaging](results-imaging.md#questions-of-the-talks-outlook)"
OUTLOOK_PRIORS_PAGE = "[priors](results-priors.md#measured-by-several-operators-and-vae-against-gan)"
GENERATOR_PAGE = "[a generator's study](how-to/generator-studies.md)"
SURE_PAGE = "[theory of SURE](theory/sure.md)"
GAN_PAGE = "[theory of GANs](theory/gan.md)"
THEOREMS_PAGE = "[theory](theory/identifiability.md)"


@dataclass(frozen=True)
class Counterpart:
    """Our side of a figure: the value, its training, the page, and its metric where it is not the source's."""

    ours: str
    training: str
    page: str
    metric: str = ""


def not_run(training: SourceTraining, rows: Rows, *queued: str) -> str:
    """Return the cell of a figure without a row: what it would cost, and its entries in the queue for a GPU."""
    entries = ", ".join(f"`{name}`" for name in queued)
    return f"*{NOT_RUN}*, would cost {cost_text(training, rows)}" + (f", queued as {entries}" if queued else "")


def queued_text(training: SourceTraining, rows: Rows, recipe: str, rest: str) -> str:
    """Return the entry of the queue for a recipe's training; with its size and cost where these are not the source's.

    Args:
        training: The source's.
        recipe: Name of the queued recipe.
        rest: End of the entry's name, after the recipe's.
    """
    px = int(str(recipes.load(recipe).view["size"]))
    cost = cost_of(replace(training, px=px), rows)
    said = f"queued as `{recipe}{rest}`"
    if training.px in (None, px) or cost is None:
        return said
    return (
        f"{said} at {px} px (source: {training.px} px; up to {two_digits(cost.hours * cost.growth)} core-hours there)"
    )


def costed(training: SourceTraining, rows: Rows, page: str, *queued: str) -> Counterpart:
    """Return the counterpart of a figure without a row: the cost of its training."""
    return Counterpart(not_run(training, rows, *queued), "–", page)


def deferred(
    counterpart: Callable[Concatenate[Rows, Arguments], Counterpart],
) -> Callable[Arguments, Callable[[Rows], Counterpart]]:
    """Turn f(rows, …) into f(…)(rows): the table of figures states the arguments before there are rows."""

    def of_figure(*args: Arguments.args, **named: Arguments.kwargs) -> Callable[[Rows], Counterpart]:
        return lambda rows: counterpart(rows, *args, **named)

    return of_figure


@deferred
def missing(rows: Rows, training: SourceTraining, page: str) -> Counterpart:
    """Return the counterpart of a figure that was not run: its cost."""
    return costed(training, rows, page)


@deferred
def explained(rows: Rows, page: str, what: str = "no measurement: explained or drawn there") -> Counterpart:
    """Return the counterpart of a drawing or a proof: the page that explains it."""
    return Counterpart(what, "–", page)
