"""The report of a generator's study, with its charts.

A study on disk: `report.html`, one file that holds everything, and `study.json` with the same figures.

The page has no script and asks nothing of outside. Both are written whole or not at all.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import Tensor

from studies.generators.study import Study
from studies.generators.table import REAL, table
from unseen.artifacts.files import write_text
from unseen.artifacts.page_templates import template
from unseen.artifacts.research_only import LIMITS
from unseen.evaluation.examples import CIVIDIS, coloured, data_uri
from unseen.evaluation.intervals import Json
from unseen.evaluation.roc import Floats
from unseen.evaluation.svg_drawing import SvgDrawing

_LEFT, _SPAN, _STEP, _TOP, _FOOT = 190, 640, 34, 6, 46


@dataclass(frozen=True, eq=False)
class Line:
    """`words` before it; `values` (n,); `real`: of real images, drawn in another colour."""

    words: str
    values: Floats
    real: bool = False


def spread_chart(lines: Sequence[Line], *, axis: str, label: str, percent: bool = False) -> Markup:
    """For each line its values from the 5th to the 95th in a hundred, a box from quarter to quarter, and the median.

    Args:
        lines: one or more, with a value each at least.
        axis: what is drawn, in words.
        label: of the image, for those who do not see it.
        percent: whether a value of 1 is 100 %.
    """
    spreads = [np.quantile(line.values, [0.05, 0.25, 0.5, 0.75, 0.95]) for line in lines]
    ticks = ticks_to(max(float(spread[-1]) for spread in spreads))

    def at(value: float) -> float:
        return _LEFT + _SPAN * min(value / ticks[-1], 1)

    foot = _TOP + _STEP * len(lines)
    drawing = SvgDrawing()
    for tick in ticks:
        words = f"{tick:.4g}" if not percent else f"{100 * tick:.3g} %"
        drawing.element("path", class_="grid", d=f"M{at(tick):.1f} {_TOP}V{foot}")
        drawing.text(at(tick), foot + 17, words, anchor="middle", class_="tick")
    for row, (line, spread) in enumerate(zip(lines, spreads, strict=True)):
        y, kind = _TOP + _STEP * (row + 0.5), "real" if line.real else "made"
        low, quarter, middle, three, high = (at(float(value)) for value in spread)
        drawing.text(_LEFT - 14, y + 4, _short(line.words), anchor="end", class_="key")
        drawing.element("path", class_=f"whisker {kind}", d=f"M{low:.1f} {y:.1f}H{high:.1f}")
        drawing.rectangle(quarter, y - 7, max(three - quarter, 1.0), 14, rx=3, class_=f"box {kind}")
        drawing.circle(middle, y, 4.5, class_=f"dot {kind}")
    drawing.text(_LEFT + _SPAN / 2, foot + 38, axis, anchor="middle", class_="axis")
    return drawing.inline(_LEFT + _SPAN + 40, foot + _FOOT, label=label)


def ticks_to(high: float) -> list[float]:
    """Round numbers from 0 to the first one that is not below `high`.

    >>> ticks_to(0.57), ticks_to(8.1)
    ([0.0, 0.2, 0.4, 0.6], [0.0, 2.0, 4.0, 6.0, 8.0, 10.0])
    """
    if not high > 0:
        return [0.0, 1.0]
    scale = 10.0 ** np.floor(np.log10(high))
    step = next(part * scale for part in (0.2, 0.5, 1.0, 2.0) if high / (part * scale) <= 5)
    return [round(float(step * k), 12) for k in range(int(np.ceil(high / step - 1e-9)) + 1)]


def _short(words: str) -> str:
    return words if len(words) <= 25 else words[:24] + "…"


FORMAT = 1


@dataclass(frozen=True)
class Tile:
    """One image of the page, its description, and a line below it."""

    image: str
    alt: str
    words: str = ""


@dataclass(frozen=True)
class Shown:
    """Texts and images of one generator on the page.

    Args:
        pairs: (title, [test image, nearest image in the range, difference]): best, median, worst.
        samples: (sample, nearest training image), from the nearest to the farthest.
        paths: One strip of images each.
    """

    name: str
    made_by: str
    sentences: Mapping[str, str]
    pairs: tuple[tuple[str, tuple[Tile, ...]], ...]
    samples: tuple[tuple[Tile, Tile], ...]
    paths: tuple[Tile, ...]


def write_study(folder: Path, studies: Mapping[str, Study], *, facts: Mapping[str, str]) -> None:
    """Write `report.html` and `study.json` into a folder, which is made.

    Args:
        folder: of the two files; others in it stay.
        studies: by the generators' names, of the same images.
        facts: lines for "method and data", in order: images, seed, search, version…
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(study_json(studies, facts=facts), indent=2, ensure_ascii=False, allow_nan=False)
    page = report_html(studies, facts=facts)
    write_text(folder / "study.json", text + "\n")
    write_text(folder / "report.html", page)


def study_json(studies: Mapping[str, Study], *, facts: Mapping[str, str]) -> dict[str, Json]:
    """Return every figure with its interval and its n; no NaN."""
    return {
        "format": FORMAT,
        "limits": LIMITS,
        "facts": {**facts},
        "generators": {name: one.to_json() for name, one in studies.items()},
    }


def report_html(studies: Mapping[str, Study], *, facts: Mapping[str, str]) -> str:
    """Return the page as text.

    Raises:
        ValueError: there is no study.
    """
    if not studies:
        raise ValueError("a report is of one generator or more, but got none.")
    high = _difference(studies)
    first = next(iter(studies.values()))
    return template("studies.generators", "study.html.j2").render(
        limits=LIMITS,
        names=list(studies),
        columns=[*studies, REAL],
        blocks=table(studies),
        charts=_charts(studies),
        shown=[_shown(name, one, high=high) for name, one in studies.items()],
        components=first.distribution.components,
        explained=first.distribution.explained,
        compared=first.distribution.samples.tested,
        grouped=len(set(first.unfeasible.units)) < len(first.unfeasible.units),
        unknown=[name for name, one in studies.items() if not one.unfeasible.known],
        legend=", ".join(f"rgb{colour}" for colour in CIVIDIS),
        high=high,
        facts=facts,
    )


def _charts(studies: Mapping[str, Study]) -> dict[str, Markup]:
    first = next(iter(studies.values())).unfeasible.held_out
    alike = all(np.array_equal(one.unfeasible.held_out, first) for one in studies.values())
    held = [
        Line("held out" if alike else f"held out, {name}", one.unfeasible.held_out, real=True)
        for name, one in list(studies.items())[: 1 if alike else None]
    ]
    return {
        "feasible": spread_chart(
            [Line(name, one.feasible.relative_error) for name, one in studies.items()],
            axis="‖G(z) − x‖ / ‖x‖ of the nearest image in the range",
            label="Errors of test images in each generator's range",
            percent=True,
        ),
        "unfeasible": spread_chart(
            [*(Line(name, one.unfeasible.distance) for name, one in studies.items()), *held],
            axis="distance to the nearest training image, root mean square, in shares of white",
            label="Distances of samples and of held-out images to their nearest training image",
            percent=True,
        ),
        "smoothness": spread_chart(
            [Line(name, one.smoothness.slopes) for name, one in studies.items()],
            axis="‖J(z)‖₂ at draws of the prior",
            label="Local Lipschitz constants of each generator",
        ),
    }


def _difference(studies: Mapping[str, Study]) -> float:
    """Return the white of the differences' scale, one for the whole page."""
    parts = [
        (one.feasible.nearest[i] - one.feasible.x[i]).abs().flatten()
        for one in studies.values()
        for i in one.feasible.shown
    ]
    return max(float(np.quantile(np.concatenate([part.numpy() for part in parts]), 0.995)), 1e-3)


def _shown(name: str, one: Study, *, high: float) -> Shown:
    found, off = one.feasible, one.unfeasible
    pairs = []
    for title, i in zip(("best", "median", "worst"), found.shown, strict=True):
        apart = (found.nearest[i] - found.x[i]).square().mean(0).sqrt().numpy()
        pairs.append(
            (
                f"{title}: {100 * found.relative_error[i]:.0f} %, {found.psnr_db[i]:.1f} dB",
                (
                    Tile(data_uri(_grey(found.x[i])), f"test image, {title}", "x"),
                    Tile(data_uri(_grey(found.nearest[i])), f"nearest image of {name}, {title}", "G(z)"),
                    Tile(data_uri(coloured(apart, high=high)), f"difference, {title}", "difference"),
                ),
            )
        )
    samples = tuple(
        (
            Tile(data_uri(_grey(off.samples[i])), f"a sample of {name}"),
            Tile(data_uri(_grey(off.nearest[i])), "its nearest training image", f"{100 * off.distance[i]:.1f}"),
        )
        for i in off.shown
    )
    paths = tuple(
        Tile(data_uri(np.concatenate([_grey(x) for x in path], axis=1)), f"a path of {name}, from latent to latent")
        for path in one.smoothness.paths
    )
    return Shown(name, one.made_by, one.sentences, tuple(pairs), samples, paths)


def _grey(x: Tensor) -> NDArray[np.uint8]:
    """(height, width), or (height, width, 3) where x has three channels; of other numbers the root mean square."""
    kept = x.detach().clamp(0, 1).float()
    image = kept[0] if len(kept) == 1 else kept.permute(1, 2, 0) if len(kept) == 3 else kept.square().mean(0).sqrt()
    return np.asarray(image.numpy() * 255 + 0.5, dtype=np.uint8)
