"""The one table of a study: a line for each figure, a column for each generator, and one for real images."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from studies.generators.distribution import Match
from studies.generators.latents import Latents, Moment
from studies.generators.study import Study
from unseen.evaluation.intervals import Figure, Interval
from unseen.evaluation.mean_discrepancy import MeanDiscrepancy

REAL = "real images"


@dataclass(frozen=True)
class Cell:
    """A figure, its interval, and what else belongs beside it."""

    value: str
    interval: str = ""
    note: str = ""


NONE = Cell("–")


@dataclass(frozen=True)
class Row:
    """One figure: `words` with its unit, and a cell for each column, the last of real images."""

    words: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Block:
    """The rows of one question."""

    question: str
    rows: tuple[Row, ...]


def table(studies: Mapping[str, Study]) -> tuple[Block, ...]:
    """Return a block for each question."""
    all_of = tuple(studies.values())
    first = all_of[0]

    def row(words: str, cell: Callable[[Study], Cell], real: Cell = NONE) -> Row:
        return Row(words, (*(cell(one) for one in all_of), real))

    def moment(words: str, name: str, usual: str) -> Row:
        return row(words, lambda s: NONE if s.latents is None else _moment(getattr(s.latents, name)), Cell(usual))

    matches = first.distribution.real
    return (
        Block(
            "Feasible: test images to the range",
            (
                row("error of the nearest G(z), in shares of ‖x‖", lambda s: _feasible(s, "relative_error", _percent)),
                row("PSNR, dB", lambda s: _feasible(s, "psnr_db", _one)),
                row("error of G(E(x))", lambda s: _feasible(s, "encoded_error", _percent)),
                row("error of as many principal components", lambda s: _feasible(s, "linear_error", _percent)),
            ),
        ),
        Block(
            "Unfeasible: samples to the data",
            (
                row(
                    "distance to the nearest training image, grey levels in 100",
                    lambda s: _cell(s.unfeasible.figures["distance"], _grey, f"n = {len(s.unfeasible.distance)}"),
                ),
                row("that of held-out images to the same ones", _held),
                row("chance to be nearer than a held-out image", lambda s: _cell(s.unfeasible.nearer), Cell("0.50")),
            ),
        ),
        Block(
            "Distribution match",
            (
                row(
                    "MMD²",
                    lambda s: _mmd(s.distribution.samples.discrepancy),
                    NONE if matches is None else _mmd(matches.discrepancy),
                ),
                row("precision", lambda s: _share(s.distribution.samples, "precision"), _share(matches, "precision")),
                row("recall", lambda s: _share(s.distribution.samples, "recall"), _share(matches, "recall")),
            ),
        ),
        Block(
            "Smoothness in z",
            (
                row(
                    "‖J‖₂, median",
                    lambda s: _cell(s.smoothness.quantiles[0.5], _one, f"n = {len(s.smoothness.slopes)}"),
                ),
                row("‖J‖₂, 5 in 100", lambda s: _cell(s.smoothness.quantiles[0.05], _one)),
                row("‖J‖₂, 95 in 100", lambda s: _cell(s.smoothness.quantiles[0.95], _one)),
                row(
                    "longest step of a path ÷ mean step",
                    lambda s: _cell(s.smoothness.pace, note=f"n = {len(s.smoothness.paces)}"),
                ),
                row("‖x − x'‖ of two test images, mean", lambda s: NONE, Cell(f"{first.smoothness.apart:.1f}")),
            ),
        ),
        Block(
            "Latent distribution: codes against the prior",
            (
                row("active dimensions", _dimensions),
                moment("mean, root mean square", "mean", "0"),
                moment("variance, mean", "variance", "1"),
                moment("variance where it is least", "least", "1"),
                moment("variance where it is greatest", "greatest", "1"),
                row("MMD² of codes and prior", lambda s: NONE if s.latents is None else _mmd(s.latents.discrepancy)),
            ),
        ),
    )


def _feasible(study: Study, name: str, words: Callable[[float], str]) -> Cell:
    figure = study.feasible.figures.get(name)
    return NONE if figure is None else _cell(figure, words, f"n = {study.feasible.n}")


def _held(study: Study) -> Cell:
    found = study.unfeasible
    return _cell(found.figures["held_out_distance"], _grey, f"n = {len(found.held_out)}, to {found.training}")


def _dimensions(study: Study) -> Cell:
    found: Latents | None = study.latents
    if found is None:
        return Cell("–", note="no encoder")
    ends = f"{found.active.low:.0f} to {found.active.high:.0f}"
    return Cell(f"{found.active.value:.0f} of {found.dimensions}", ends, f"n = {found.n}")


def _share(match: Match | None, name: str) -> Cell:
    if match is None:
        return NONE
    n = match.n if name == "precision" else match.tested
    return _cell(getattr(match, name), note=f"n = {n}")


def _mmd(found: MeanDiscrepancy) -> Cell:
    p = ", no p: by subject" if found.p is None else f", p {'<' if found.p < 0.001 else '='} {max(found.p, 0.001):.3f}"
    return _cell(found.squared, _four, f"by chance {found.chance:.4f}{p}; n = {found.n}, {found.m}")


def _moment(found: Moment) -> Cell:
    return Cell(_two(found.value), note=f"prior: {_two(found.low)} to {_two(found.high)}")


def _two(value: float) -> str:
    return f"{value:.2f}"


def _cell(figure: Figure, words: Callable[[float], str] = _two, note: str = "") -> Cell:
    if isinstance(figure, Interval):
        return Cell(words(figure.value), f"{words(figure.low)} to {words(figure.high)}", note)
    return Cell("–", note=figure.reason)


def _one(value: float) -> str:
    return f"{value:.1f}"


def _four(value: float) -> str:
    return f"{value:.4f}".replace("-", "−")


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _grey(value: float) -> str:
    return f"{100 * value:.1f}"
