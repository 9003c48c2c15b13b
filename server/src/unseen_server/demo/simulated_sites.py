"""Films that the demonstration works on, drawn by a process that imports no torch.

Simulated sites: 12-bit DICOM phantoms of a station, labelled, with the manifest that names them. Their abnormal films
show what a reader sees without a search: consolidations, effusions and pneumothoraces that are not faint. Detectors of
a few minutes find no nodules, and below a threshold that had to spare those nothing would lie.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from unseen.artifacts import write_text
from unseen.data import phantoms
from unseen.data.phantoms import Case, Station, as_dicom, draw_exposed, draw_healthy

if TYPE_CHECKING:
    from unseen.data.phantoms import Kind, Stream

NORTH: Final = Station(name="North")
SOUTH: Final = Station(name="South", modality="DX", photometric="MONOCHROME1")
WEST: Final = Station(name="West")
SIDE: Final = 512
_SHOWN: Final[tuple[Kind, ...]] = ("consolidation", "effusion", "pneumothorax")
_COLUMNS: Final = ("file", "label", "source", "patient", "study", "kind", "contrast")
_Row = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SiteShare:
    """So many films of a site; the seed decides who the patients are."""

    station: Station
    normals: int
    abnormals: int
    seed: int


def write_sites(shares: Sequence[SiteShare], folder: Path, *, side: int = SIDE) -> Path:
    """Write the films of all `shares` to `folder`, and return the path of their `manifest.csv`.

    Its rows are mixed: each site's films, and among these normal and abnormal ones, evenly over the whole.
    """
    (folder / "films").mkdir(parents=True, exist_ok=True)
    sites = [
        mixed(
            [
                _drawn(share, folder, _cases(share.seed, "normal", (None,), side), share.normals),
                _drawn(share, folder, _cases(share.seed, "abnormal", _SHOWN, side), share.abnormals),
            ]
        )
        for share in shares
    ]
    table = io.StringIO()
    rows = csv.DictWriter(table, _COLUMNS, lineterminator="\n")
    rows.writeheader()
    rows.writerows(mixed(sites))
    write_text(folder / "manifest.csv", table.getvalue())
    return folder / "manifest.csv"


def mixed(parts: Sequence[Sequence[T]]) -> list[T]:
    """Return all of `parts`, each in its order and evenly over the whole.

    >>> mixed(["abcd", "12"])
    ['a', '1', 'b', 'c', '2', 'd']
    """
    placed = [((i + 0.5) / len(part), number, one) for number, part in enumerate(parts) for i, one in enumerate(part)]
    return [one for _, _, one in sorted(placed, key=lambda place: place[:2])]


def _cases(seed: int, stream: Stream, kinds: Sequence[Kind | None], side: int) -> Iterator[Case]:
    """Yield cases without end, lesion types in turn."""
    for index in count():
        yield Case(seed=seed, stream=stream, index=index, size=side, kind=kinds[index % len(kinds)])


def _drawn(share: SiteShare, folder: Path, cases: Iterator[Case], wanted: int) -> list[_Row]:
    """Return the first `wanted` cases that are not faint, each written as a file."""
    rows: list[_Row] = []
    while len(rows) < wanted:
        case = next(cases)
        healthy = draw_healthy(case)
        exposed = draw_exposed(case, healthy)
        lesion = exposed.lesion
        if lesion is not None and lesion.contrast == "faint":
            continue
        file = f"films/{share.station.name.lower()}-{case.seed}-{case.stream}-{case.index:03d}.dcm"
        (folder / file).write_bytes(as_dicom(case, healthy, exposed, share.station))
        rows.append(
            {
                "file": file,
                "label": "normal" if lesion is None else "abnormal",
                "source": share.station.name,
                "patient": case.patient,
                "study": case.patient,
                "kind": "none" if lesion is None else lesion.kind,
                "contrast": "none" if lesion is None else lesion.contrast,
            }
        )
    return rows


def draw_twins(folder: Path, pairs: int, seed: int, shortcut: bool) -> Path:
    """Write twin pairs to `folder`, and return the path of their manifest."""
    return phantoms.write(phantoms.twins(pairs, seed=seed, shortcut=shortcut), folder)
