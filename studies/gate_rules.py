"""`python -m studies.gate_rules`: refusals of the gate that ships, by its earlier rules and by the present ones.

A hash of the patient's identifier assigns each film to one of two halves. The present rules were chosen on the films
of one half, and the table shows the other. No film of it is a training film of the gate: of `ms_cxr`, fold 4 alone
is used.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studies import gate_table
from studies.pages.cells import table
from studies.pages.row_table import render_row
from studies.row_files import write_row
from unseen.data.film import Film, NotRead
from unseen.data.manifest import Entry
from unseen.data.reading import films
from unseen.detectors.gate_in_bundle import gate_parts
from unseen.detectors.lung_finder_bundles import finder_of
from unseen.evaluation.intervals import Json
from unseen.runs.cohort import data_root
from unseen.screening.gate.features import Floats, Look
from unseen.screening.gate.frontal_view import without_borders
from unseen.screening.gate.gate import LUNGS, UNLIKE, Gate
from unseen.screening.gate.learnt_rules import HANDLING
from unseen.screening.gate.refusal_codes import Refusal

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from unseen.anatomy.found_lungs import Finder

NAME = "gate/rules"
MODEL = "models/pca"
HALVES = ("chosen", "reported")
ATTEMPTS = {
    "second mask": "refused only if the lungs found in the flipped film lead to a refusal too",
    "wider": "the image inside the lungs' box may lie twice as far from the normals",
    "trimmed": "refused only if the film without its black and white borders is refused too",
}
"""Further attempts, none of which is used."""
ATTEMPTED = ("adults (views): frontal", "another hospital's adults (NIH)", "another hospital's adults (NIH): cropped")
"""Kinds in the attempts' table."""
VIEW_CODES = ("not-frontal", "cropped")
"""Codes in the table of codes."""
ADULTS = (*ATTEMPTED[:2], "ms_cxr, fold 4")
BEGIN, END = "<!-- gate rules -->", "<!-- end of the gate rules -->"
HELD_OUT = 4  # fold of ms_cxr whose films the shipped models did not learn from


def half_of(key: str) -> str:
    """Return the half to which a patient's films belong.

    >>> [half_of(key) for key in ("views 278", "views 279")]
    ['chosen', 'reported']
    """
    return HALVES[_number(f"gate halves {key}") % 2]


class Earlier(Gate):
    """The same gate with the rules of refusal that it had before.

    `cropped` needed no look at the lungs, `left-right` even odds or the limit, and `lungs` the distance alone.
    """

    def _judge_image(self, look: Look) -> Refusal | None:
        limits = self.thresholds
        values, views = self._values(look)
        broken = [name for name in HANDLING if values[name] > limits["handling"]]
        broken.sort(key=lambda name: (name == "cropped", -values[name]))
        for name in broken:
            if self._explains(name, look):
                return self._altered(name, values[name])
        if look.lung_area < limits["no-lungs"]:
            return self._refused("no-lungs", "no-lungs", look.lung_area)
        if values["mirrored"] > limits["mirrored"]:
            if self._explains("mirrored", look):
                return self._altered("mirrored", values["mirrored"])
            broken.append("mirrored")
        if values["lungs"] > LUNGS * limits["lungs"]:
            return self._refused("lungs", "lungs", values["lungs"])
        code = "unlike" if self._remoteness(views) > UNLIKE else "differs"
        if values["unlike"] > limits["unlike"] or values["lungs"] > limits["lungs"] or broken:
            return self._refused(code, "unlike", values["unlike"])
        return None


class Wider(Gate):
    """The same gate, in which the image inside the lungs' box may lie twice as far from the training normals."""

    def _strange_lungs(self, code: str, views: Mapping[str, Floats]) -> bool:
        return float(self._rules.embedding.distance("crop", views)[0]) > 2 * self._typical["crop"]


@dataclass(frozen=True)
class Image:
    """An image to be judged: its kind, the patient's key, and the image or the reason why it was not read."""

    kind: str
    key: str
    film: Film | NotRead


def images(data: Path, *, every: int = 1) -> Iterator[Image]:
    """Yield the images of the table in a fixed order; of each kind, those that a hash takes with a chance of 1/every.

    Args:
        data: folder of the data sets.
        every: 1 for all.
    """

    def alike(kind: str, key: str, film: Film | NotRead, *, altered: float = 0.0) -> Iterator[Image]:
        if _number(f"taken {film.name}") % every:
            return
        yield Image(kind, key, film)
        if isinstance(film, Film) and _number(f"altered {film.name}") % 1000 < 1000 * altered:
            rng = np.random.default_rng(_number(f"alterations {film.name}"))
            for name, change in gate_table.ALTERATIONS.items():
                yield Image(f"{kind}: {name}", key, replace(film, pixels=change(film.pixels, rng)))

    views = films(data / "views" / "manifest.csv")
    columns = {entry.name: entry.columns for entry in views.entries}
    for film in views:
        view, key = columns[film.name]["view"], f"views {columns[film.name]['case']}"
        yield from alike(f"adults (views): {view}", key, film, altered=1.0 if view == "frontal" else 0.0)
        if isinstance(film, Film):
            padded = replace(film, pixels=gate_table.square(film.pixels))
            yield from alike(f"adults (views): {view}, padded to a square", key, padded)
    for film in films(data / "nih_cxr8" / "manifest.csv"):
        yield from alike("another hospital's adults (NIH)", f"nih {film.patient}", film, altered=0.25)
    for film in films(data / "ms_cxr" / "manifest.csv").select(_held_out(data)):
        yield from alike("ms_cxr, fold 4", film.name, film, altered=1.0)
    for film in films(data / "kermany" / "manifest.csv"):
        if _number(f"children {film.name}") % 2:
            yield from alike("children", f"kermany {film.patient}", film)
    foreign = {
        "CT slices": gate_table.slices(data / "ct100" / "ct256.npz"),
        "MR: chest": gate_table.arrays(data / "mri" / "chest.npz"),
        "MR: brain": gate_table.images(data / "brain_t1" / "images"),
        "natural images": gate_table.images(data / "natural"),
        "noise": gate_table.noise(),
    }
    for kind, some in foreign.items():
        for film in some:
            yield from alike(kind, film.name, film)


RULES = ("earlier", "present", *ATTEMPTS)


def measured(gate: Gate, finder: Finder, some: Iterable[Image]) -> dict[str, Json]:
    """Return the row's counts: by half, kind and rules; and how many images pass now that did not before."""
    earlier, wider = (kind.of(gate.settings(), gate.tensors()) for kind in (Earlier, Wider))
    codes: dict[str, dict[str, dict[str, list[str | None]]]] = {half: {} for half in HALVES}
    passing = 0
    for image in some:
        told: dict[str, str | None] = dict.fromkeys(RULES, "not-read")
        if isinstance(image.film, Film):
            film, lungs = image.film, finder.find(image.film)
            told = dict.fromkeys(RULES, _code(gate.judge(film, lungs)))
            told["earlier"] = _code(earlier.judge(film, lungs))
            if told["present"] not in (None, "differs"):
                told["second mask"] = _unless_passed(told["present"], gate.judge(film, _flipped_mask(finder, film)))
                told["wider"] = _code(wider.judge(film, lungs))
                trimmed = replace(film, pixels=without_borders(film.pixels))
                told["trimmed"] = _unless_passed(told["present"], gate.judge(trimmed, finder.find(trimmed)))
        passing += told["present"] is None and told["earlier"] is not None
        kept = codes[half_of(image.key)].setdefault(image.kind, {name: [] for name in RULES})
        for name, code in told.items():
            kept[name].append(code)
    return {
        "pass_now_and_not_before": passing,
        "halves": {
            half: {
                kind: {name: gate_table.row(kind, found, rule=None) for name, found in by.items()}
                for kind, by in kinds.items()
            }
            for half, kinds in codes.items()
        },
    }


def as_markdown(row: Mapping[str, Any]) -> str:
    """Return the page's tables: both rules on the half that chose nothing, the attempts and two codes on each half."""
    reported = row["halves"]["reported"]
    kinds = [
        [kind, _share(by["earlier"]), _share(by["present"]), _never(by["earlier"]), _never(by["present"])]
        for kind, by in reported.items()
    ]
    views = [row["halves"][half][ATTEMPTED[0]] for half in HALVES]
    for kind, pooled in (
        ("**frontal adults of the three sets**", [reported[kind] for kind in ADULTS]),
        ("**adults (views): frontal, both halves**", views),
    ):
        before, now = (_pooled([by[name] for by in pooled]) for name in RULES[:2])
        kinds.append([kind, _share(before), _share(now), _never(before), _never(now)])
    rules = table(["Images", "Refused before", "Refused now", "Never cleared before", "Never cleared now"], kinds)
    head = ["Rules", *(f"{kind}, {half}" for kind in ATTEMPTED for half in HALVES)]
    tried = []
    for name in RULES:
        cells = (row["halves"][half].get(kind, {}).get(name) for kind in ATTEMPTED for half in HALVES)
        shown = ["none" if one is None else f"{one['refused']} of {one['films']}" for one in cells]
        tried.append([name if name not in ATTEMPTS else f"{name}: {ATTEMPTS[name]}", *shown])
    return "\n\n".join([rules, table(head, tried), _codes_by_half(row["halves"])])


def gate_and_finder(parser: argparse.ArgumentParser) -> tuple[tuple[dict[str, object], Mapping[str, Tensor]], Finder]:
    """Return the parts of the model's gate and its lung finder; end the program where one is missing."""
    parts, finder = gate_parts(MODEL), finder_of(MODEL)
    if parts is None or finder is None:
        parser.error(f"{MODEL} has no gate or no lung finder")
    return parts, finder


def main() -> None:
    """Measure and write the row, or put its table into the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.gate_rules", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, default=Path("studies/results"), help="folder of rows (default: results)")
    parser.add_argument("--every", type=int, default=1, help="use one image of so many (default: all)")
    parser.add_argument("--render", type=Path, help="only put the table of the row into this page")
    given = parser.parse_args()
    if given.render is not None:
        render_row(parser, given, NAME, (BEGIN, END), as_markdown)
        return
    torch.set_num_threads(1)
    parts, finder = gate_and_finder(parser)
    found = {
        "model": MODEL,
        "seed": 0,
        "device": f"cpu ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        "date": datetime.now(UTC).date().isoformat(),
        **measured(Gate.of(*parts), finder, images(data_root(), every=given.every)),
    }
    print(as_markdown(found))
    print("wrote", write_row(found, given.rows, name=NAME))


def _held_out(data: Path) -> Any:
    import csv

    with (data / "ms_cxr" / "splits.csv").open(newline="", encoding="utf-8") as file:
        names = {line["file"] for line in csv.DictReader(file) if int(line["fold"]) == HELD_OUT}

    def held_out(entry: Entry) -> bool:
        return entry.name in names

    return held_out


def _codes_by_half(halves: Mapping[str, Any]) -> str:
    """Return the table of the refused images of each kind that have one of `VIEW_CODES`."""
    head = ["Refused images", *(f"`{code}`, {half}" for code in VIEW_CODES for half in HALVES)]
    lines = []
    for kind in halves["reported"]:
        rows = [halves[half].get(kind, {}).get("present") for half in HALVES]
        if any(one and any(one["by"].get(code) for code in VIEW_CODES) for one in rows):
            counts = [one and f"{one['by'].get(code, 0)} of {one['refused']}" for code in VIEW_CODES for one in rows]
            lines.append([kind, *(count or "none" for count in counts)])
    return table(head, lines)


def _number(text: str) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)


def _code(told: Refusal | None) -> str | None:
    return None if told is None else told.code


def _unless_passed(code: str | None, second: Refusal | None) -> str | None:
    """Return the code of a refusal, or of a remark where the second look is no refusal."""
    return "differs" if second is None or second.scored else code


def _flipped_mask(finder: Finder, film: Film) -> NDArray[np.bool_]:
    flipped = replace(film, pixels=np.ascontiguousarray(film.pixels[:, ::-1]))
    return np.ascontiguousarray(finder.find(flipped)[:, ::-1])


def _pooled(rows: Iterable[Mapping[str, Any]]) -> dict[str, Json]:
    """Return the row of several kinds together."""
    found = list(rows)
    films, refused, remarks = (sum(one[name] for one in found) for name in ("films", "refused", "remarks"))
    codes = ["lungs"] * refused + ["differs"] * remarks  # any refusal and any remark: the sums alone are shown
    return gate_table.row("", [*codes, *[None] * (films - len(codes))], rule=None)


def _share(one: Mapping[str, Any]) -> str:
    return f"{one['refused']} of {one['films']}: {one['rate']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


def _never(one: Mapping[str, Any]) -> str:
    return str(one["refused"] + one["remarks"])


if __name__ == "__main__":
    main()
