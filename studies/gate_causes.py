"""`python -m studies.gate_causes`: share of false causes of the gate, by the judgements in gate_causes.csv.

The gate of `models/pca` judges all abnormal films of four sets; no shipped model learnt from an abnormal film. A seeded
draw takes `DRAWN` of the films that have a cause (a refusal or a remark). They and all other refused films were
inspected on contact sheets. The judgements are in `studies/gate_causes.csv`.

python -m studies.gate_causes --sheets FOLDER    contact sheets of the chosen films, and a list of them
python -m studies.gate_causes                    row `gate/causes`, from the gate and the judgements
python -m studies.gate_causes --render PAGE      put the tables of the row into a page
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import platform
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from studies.gate_rules import MODEL, gate_and_finder
from studies.pages.cells import exact_interval, table
from studies.pages.row_table import render_row
from studies.row_files import write_row
from unseen.data.cells import safe_row
from unseen.data.film import Film, NotRead
from unseen.data.reading import films
from unseen.evaluation.intervals import Json
from unseen.runs.cohort import data_root
from unseen.screening.gate.features import VIEWS
from unseen.screening.gate.gate import Gate
from unseen.screening.gate.refusal_codes import CODES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from unseen.anatomy.found_lungs import Finder
    from unseen.screening.gate.features import Floats

NAME = "gate/causes"
SETS = ("ms_cxr", "nih_cxr8", "views", "kermany")
LATERALS = "views: lateral"
CHILDREN = "kermany"
DRAWN = 100
SEED = 0
JUDGEMENTS = Path(__file__).with_suffix(".csv")
VERDICTS = ("true", "false", "undecided")
AIM = 0.02
BEGIN, END = "<!-- gate causes -->", "<!-- end of the gate causes -->"
_COLUMNS, _ROWS, _SIDE, _CAPTION = 3, 4, 256, 40  # of a contact sheet; sides in pixels


@dataclass(frozen=True)
class Cause:
    """Cause that the gate states for a film.

    Attributes:
        dataset: name of the film's set.
        file: the film's name in the manifest.
        code: of the refusal or the remark.
        what: the particulars of the clause.
        within: True if a description is named in which the film lies within the distance from the training normals
            that 99 % of these keep to.
    """

    dataset: str
    file: str
    code: str
    what: str
    within: bool = False

    @property
    def key(self) -> str:
        """Set and file."""
        return f"{self.dataset}/{self.file}"

    @property
    def remark(self) -> bool:
        """True if the film is scored."""
        return CODES[self.code].scored

    @property
    def text(self) -> str:
        """Code and particulars, as the table of judgements has them."""
        return f"{self.code}: {self.what}" if self.what else self.code


class Ranged(Gate):
    """The same gate, which keeps how far the last film lay that was compared in all descriptions.

    Attributes:
        farthest: largest distance from the training normals, in units of that which 99 % of these keep to.
    """

    farthest = float("inf")

    def _most_unlike(self, views: Mapping[str, Floats]) -> str:
        embedding = self._rules.embedding
        self.farthest = max(float(embedding.distance(name, views)[0]) / self._typical[name] for name in VIEWS)
        return super()._most_unlike(views)


@dataclass(frozen=True)
class Judgement:
    """Verdict on a cause, by inspection."""

    dataset: str
    file: str
    cause: str
    verdict: str
    reason: str

    @property
    def code(self) -> str:
        """Code of the refusal or the remark."""
        return self.cause.partition(":")[0]


def abnormal(data: Path, datasets: Iterable[str] = SETS) -> Iterator[tuple[str, Film | NotRead]]:
    """Yield the abnormal films of each set, with its name."""
    for dataset in datasets:
        for film in films(data / dataset / "manifest.csv").select(lambda entry: entry.label == "abnormal"):
            yield dataset, film


def part_of(dataset: str, file: str) -> str:
    """Return the name of a film's set; of `views`, with the projection, which its file names state.

    >>> part_of("views", "images/lateral_22_19.png"), part_of("kermany", "images/person1_virus_6.png")
    ('views: lateral', 'kermany')
    """
    if dataset != "views":
        return dataset
    return LATERALS if Path(file).name.startswith("lateral_") else "views: frontal"


def cause_of(gate: Ranged, finder: Finder, dataset: str, film: Film) -> Cause | None:
    """Return the cause that the gate states for a film; None if it passes."""
    gate.farthest = float("inf")
    refusal = gate.judge(film, finder.find(film))
    if refusal is None:
        return None
    return Cause(dataset, film.name, refusal.code, refusal.what, within=gate.farthest <= 1)


def chosen(causes: Iterable[Cause], number: int = DRAWN) -> list[Cause]:
    """Return the causes to inspect: a seeded draw of all, then the other refusals.

    The drawn films are those whose digests are the least, in the order of the digests.

    >>> some = [Cause("views", f"{i}.png", "differs", "exposure and contrast") for i in range(9)]
    >>> [one.file for one in chosen(some, 3)] == [one.file for one in chosen(reversed(some), 3)]
    True
    """
    order = sorted(causes, key=lambda one: hashlib.sha256(f"{SEED} {one.key}".encode()).hexdigest())
    return order[:number] + [one for one in order[number:] if not one.remark]


def judgements(path: Path = JUDGEMENTS) -> list[Judgement]:
    """Return the table of judgements.

    Raises:
        ValueError: A verdict is not one of `VERDICTS`, or a reason is missing.
    """
    with path.open(newline="", encoding="utf-8") as file:
        found = [Judgement(**line) for line in csv.DictReader(file)]
    for one in found:
        if one.verdict not in VERDICTS or not one.reason:
            raise ValueError(f"{one.dataset}/{one.file}: a verdict of {', '.join(VERDICTS)} and a reason are needed")
    return found


@dataclass(frozen=True)
class Stratum:
    """Counts of the refused films, or of those with a remark.

    Attributes:
        stated: films with such a cause.
        inspected: those that were inspected.
        false: those of the inspected ones whose cause is false.
    """

    stated: int
    inspected: int
    false: int


def share(strata: Sequence[Stratum], total: int) -> dict[str, Json]:
    """Return the share of all abnormal films that have a false cause, with a 95 % interval.

    The share is the sum over the strata of stated / total · false / inspected. Strata of which all films were inspected
    have one part together, false / total. The interval adds and multiplies the ends of the factors' Clopper–Pearson
    intervals. Each of f factors has the level 1 − 0.05 / f, so that all hold together with at least 95 %.

    >>> share([Stratum(10, 10, 2)], 100)["value"], share([Stratum(10, 10, 2), Stratum(50, 10, 1)], 100)["value"]
    (0.02, 0.07)

    Raises:
        ValueError: No film of a stratum was inspected.
    """
    sampled = [one for one in strata if one.inspected < one.stated]
    whole = [one.false for one in strata if one.inspected == one.stated]
    level = 1 - 0.05 / (bool(whole) + 2 * len(sampled))
    value, low, high = sum(whole) / total, 0.0, 0.0
    if whole:
        low, high = _ends(sum(whole), total, level)
    for one in sampled:
        if not one.inspected:
            raise ValueError(f"none of {one.stated} films was inspected; draw more")
        false, stated = _ends(one.false, one.inspected, level), _ends(one.stated, total, level)
        value += one.stated / total * one.false / one.inspected
        low, high = low + false[0] * stated[0], high + false[1] * stated[1]
    return {"value": value, "low": low, "high": min(1.0, high)}


def counted(totals: Mapping[str, int], causes: Sequence[Cause], judged: Sequence[Judgement]) -> dict[str, Json]:
    """Return the row's counts and shares: by set, of all sets, and by code.

    Args:
        totals: number of abnormal films by part of a set, see `part_of`.
        causes: all causes that the gate states.
        judged: judgements on those of `chosen`.

    Raises:
        ValueError: The judgements are not on these causes.
    """
    stated = {(one.dataset, one.file, one.text) for one in chosen(causes)}
    found = {(one.dataset, one.file, one.cause) for one in judged}
    if stated != found:
        some = sorted(stated ^ found)[:3]
        raise ValueError(f"{len(stated ^ found)} judgements are not on the chosen films and their causes: {some}")
    frontal = tuple(name for name in totals if name != LATERALS)
    groups: dict[str, tuple[str, ...]] = {name: (name,) for name in totals}
    groups["frontal, adults"] = tuple(name for name in frontal if name != CHILDREN)
    groups["frontal"] = frontal
    groups["all"] = tuple(totals)
    by_set: dict[str, Json] = {
        group: _group(
            sum(totals[name] for name in names),
            [one for one in causes if part_of(one.dataset, one.file) in names],
            [one for one in judged if part_of(one.dataset, one.file) in names],
        )
        for group, names in groups.items()
        if names
    }
    near = {(one.dataset, one.file) for one in causes if one.within}
    verdicts = Counter(one.verdict for one in judged if (one.dataset, one.file) in near)
    within: dict[str, Json] = {
        "films": len(near),
        "inspected": verdicts.total(),
        **{key: verdicts[key] for key in VERDICTS},
    }
    return {"sets": by_set, "causes": _by_cause(causes, judged), "within": within}


def as_markdown(row: Mapping[str, Any]) -> str:
    """Return the page's two tables: shares by set, and verdicts by cause."""
    head = ["Abnormal films", "All", "Refused", "With a remark", "Inspected", "False", "Undecided",
            "Share with a false cause", "Undecided counted as false"]  # fmt: skip
    lines = [
        [_group_name(name), *(str(one[key]) for key in ("films", "refused", "remarks", "inspected", "false")),
         str(one["undecided"]), exact_interval(one["share"]), exact_interval(one["share_at_most"])]
        for name, one in row["sets"].items()
    ]  # fmt: skip
    causes = [
        [f"`{name.partition(': ')[0]}`{name.partition(': ')[1]}{name.partition(': ')[2]}",
         *(str(one[key]) for key in ("films", "inspected", *VERDICTS))]
        for name, one in row["causes"].items()
    ]  # fmt: skip
    within, every, at_most = row["within"], row["sets"]["all"]["share"], row["sets"]["all"]["share_at_most"]
    reached = "**reached**" if at_most["high"] < AIM else "**not reached**"
    if every["high"] < AIM <= at_most["high"]:
        reached += ": the interval with undecided causes counted as false is not below it"
    if every["low"] > AIM:
        reached += ": the whole interval of all films is above it"
    return "\n\n".join(
        [
            table(head, lines),
            table(["Cause", "Films", "Inspected", "True", "False", "Undecided"], causes),
            f"The aim, less than {100 * AIM:g} % of the abnormal films with a false cause, is {reached}. "
            f"{within['films']} causes name a description in which the "
            f"film lies within the distance that 99 % of the training normals keep to. Of these, {within['inspected']} "
            f"were inspected: {within['true']} true, {within['false']} false, {within['undecided']} undecided.",
        ]
    )


def sheets(folder: Path, some: Sequence[tuple[Cause, Film, NDArray[np.bool_]]]) -> list[Path]:
    """Write contact sheets: each film as it is, and with the outline of the lungs that were found; and a list.

    Args:
        folder: folder of the images; it must not be part of a repository, because the films may not be published.
        some: the causes with their films and lungs.
    """
    from PIL import Image, ImageDraw

    folder.mkdir(parents=True, exist_ok=True)
    paths, each = [], _COLUMNS * _ROWS
    for start in range(0, len(some), each):
        sheet = Image.new("RGB", (_COLUMNS * 2 * _SIDE, _ROWS * (_SIDE + _CAPTION)), "white")
        for place, (cause, film, lungs) in enumerate(some[start : start + each]):
            left, top = place % _COLUMNS * 2 * _SIDE, place // _COLUMNS * (_SIDE + _CAPTION)
            plain = Image.fromarray(np.rint(255 * film.pixels).astype(np.uint8))
            plain.thumbnail((_SIDE, _SIDE))
            sheet.paste(plain.convert("RGB"), (left, top + _CAPTION))
            sheet.paste(_outlined(plain, lungs), (left + _SIDE, top + _CAPTION))
            caption = f"{start + place + 1}  {cause.key}\n{cause.text}"
            ImageDraw.Draw(sheet).text((left + 4, top + 4), caption, fill="black", font_size=13)
        paths.append(folder / f"sheet-{start // each + 1:02}.png")
        sheet.save(paths[-1])
    with (folder / "drawn.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dataset", "file", "cause", "verdict", "reason"])
        writer.writerows(safe_row([cause.dataset, cause.file, cause.text, "", ""]) for cause, _, _ in some)
    return paths


def main() -> None:
    """Write the contact sheets, or the row; or put the row's tables into the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.gate_causes", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, default=Path("studies/results"), help="folder of rows (default: results)")
    parser.add_argument("--sheets", type=Path, help="only write contact sheets of the chosen films into this folder")
    parser.add_argument("--render", type=Path, help="only put the tables of the row into this page")
    given = parser.parse_args()
    if given.render is not None:
        render_row(parser, given, NAME, (BEGIN, END), as_markdown)
        return
    torch.set_num_threads(1)
    parts, finder = gate_and_finder(parser)
    gate, causes = Ranged.of(*parts), []
    totals: Counter[str] = Counter()
    assert isinstance(gate, Ranged)
    for dataset, film in abnormal(data_root()):
        totals[part_of(dataset, film.name)] += 1
        if isinstance(film, NotRead):
            parser.error(f"{film.name} cannot be read: {film.reason}")
        if (cause := cause_of(gate, finder, dataset, film)) is not None:
            causes.append(cause)
    if given.sheets is not None:
        some = chosen(causes)
        wanted = {one.key for one in some}
        kept_films = {f"{name}/{film.name}": film for name, film in abnormal(data_root())
                      if isinstance(film, Film) and f"{name}/{film.name}" in wanted}  # fmt: skip
        shown = [(one, kept_films[one.key], finder.find(kept_films[one.key])) for one in some]
        print(len(causes), "films have a cause; wrote", *sheets(given.sheets, shown))
        return
    found = {
        "model": MODEL,
        "seed": SEED,
        "device": f"cpu ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        "date": datetime.now(UTC).date().isoformat(),
        **counted(totals, causes, judgements()),
    }
    print(as_markdown(found))
    print("wrote", write_row(found, given.rows, name=NAME))


def _ends(k: int, n: int, level: float) -> tuple[float, float]:
    from scipy.stats import binomtest

    ends = binomtest(k, n).proportion_ci(confidence_level=level, method="exact")
    return float(ends.low), float(ends.high)


def _group(total: int, causes: Sequence[Cause], judged: Sequence[Judgement]) -> dict[str, Json]:
    verdicts = Counter(one.verdict for one in judged)

    def share_of(*counted: str) -> dict[str, Json]:
        strata = []
        for remark in (False, True):
            of = [one for one in judged if CODES[one.code].scored == remark]
            stated = sum(one.remark == remark for one in causes)
            strata.append(Stratum(stated, len(of), sum(one.verdict in counted for one in of)))
        return share(strata, total)

    return {
        "films": total,
        "refused": sum(not one.remark for one in causes),
        "remarks": sum(one.remark for one in causes),
        "inspected": len(judged),
        "false": verdicts["false"],
        "undecided": verdicts["undecided"],
        "share": share_of("false"),
        "share_at_most": share_of("false", "undecided"),
    }


def _by_cause(causes: Sequence[Cause], judged: Sequence[Judgement]) -> dict[str, Json]:
    names = Counter(one.text if one.remark else one.code for one in causes)
    found: dict[str, Json] = {}
    for name in sorted(names, key=lambda name: (CODES[name.partition(":")[0]].scored, -names[name], name)):
        of = [one for one in judged if name in (one.cause, one.code)]
        verdicts = Counter(one.verdict for one in of)
        found[name] = {"films": names[name], "inspected": len(of), **{key: verdicts[key] for key in VERDICTS}}
    return found


def _group_name(name: str) -> str:
    dataset, colon, part = name.partition(":")
    return f"`{dataset}`{colon}{part}" if dataset in SETS else f"**{name}**"


def _outlined(plain: Any, lungs: NDArray[np.bool_]) -> Any:  # Any: Pillow's images
    """Return a film with the outline of its lungs in red."""
    from PIL import Image
    from scipy import ndimage

    inside = np.asarray(Image.fromarray(lungs).resize(plain.size))
    pixels = np.asarray(plain.convert("RGB")).copy()
    pixels[inside & ~ndimage.binary_erosion(inside)] = (255, 0, 0)
    return Image.fromarray(pixels)


if __name__ == "__main__":
    main()
