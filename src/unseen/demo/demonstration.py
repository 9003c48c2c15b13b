"""The demonstration: three simulated sites, two detectors, a report, a calibration.

Simulated sites: 12-bit DICOM phantoms of a station, labelled, with the manifest that names them.

Their abnormal films show what a reader sees without a search: consolidations, effusions and pneumothoraces that are not
faint. Detectors of a few minutes find no nodules, and below a threshold that had to spare those nothing would lie.

The demonstration: simulated films, two detectors trained live, a report; a planted shortcut caught; bad files
refused; a calibration on two simulated sites, and the films of a worklist.
"""

from __future__ import annotations

import csv
import io
import shutil
import struct
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from unseen import __version__
from unseen.anatomy.lungs import LungFinder, cross_fitted
from unseen.artifacts.files import write_bytes, write_text
from unseen.artifacts.installation import shipped
from unseen.data import phantoms
from unseen.data.film import NotRead
from unseen.data.phantoms.sequences import Case, draw_exposed, draw_healthy
from unseen.data.phantoms.writing import Station, as_dicom
from unseen.data.reading import films
from unseen.detectors.detector import Finding
from unseen.detectors.pca import Pca
from unseen.detectors.roi_sure import RoiSure
from unseen.detectors.saved import load, save
from unseen.evaluation.assessment import Evaluation, evaluate
from unseen.evaluation.roc import auroc
from unseen.runs.training import worker_processes
from unseen.screening.calibration import calibrate
from unseen.screening.policy import lines
from unseen.training.settings import Training

if TYPE_CHECKING:
    from unseen.data.phantoms.lesion_ranges import Kind
    from unseen.data.phantoms.sequences import Stream
    from unseen.training.loop import Progress

NORTH: Final = Station(name="North")
SOUTH: Final = Station(name="South", modality="DX", photometric="MONOCHROME1")
WEST: Final = Station(name="West")
SIDE: Final = 512
_SHOWN: Final[tuple[Kind, ...]] = ("consolidation", "effusion", "pneumothorax")
_COLUMNS: Final = ("file", "label", "source", "patient", "study", "kind", "contrast")
_Row = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many films of a site; the seed decides who the patients are."""

    station: Station
    normals: int
    abnormals: int
    seed: int


def write_sites(shares: Sequence[Share], folder: Path, *, side: int = SIDE) -> Path:
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
    """All of `parts`, each in its order and evenly over the whole.

    >>> mixed(["abcd", "12"])
    ['a', '1', 'b', 'c', '2', 'd']
    """
    placed = [((i + 0.5) / len(part), number, one) for number, part in enumerate(parts) for i, one in enumerate(part)]
    return [one for _, _, one in sorted(placed, key=lambda place: place[:2])]


def _cases(seed: int, stream: Stream, kinds: Sequence[Kind | None], side: int) -> Iterator[Case]:
    """An endless sequence of cases, lesion types in turn."""
    for index in count():
        yield Case(seed=seed, stream=stream, index=index, size=side, kind=kinds[index % len(kinds)])


def _drawn(share: Share, folder: Path, cases: Iterator[Case], wanted: int) -> list[_Row]:
    """The first `wanted` cases that are not faint, each written as a file."""
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


STEPS: Final = 10
"""Of the whole; the ninth and the tenth, the worklist and its pages, are the caller's."""
_FINDER = LungFinder.Config(features=8, steps=60, size=48)  # Dice 0.94 to 0.95 on phantoms; real films need the default
_SHIPPED = tuple(path for path in shipped() if path.name in {"pca", "ensemble-five"})  # a small model, and the best
_AT_ONCE = Path("models/pca")
_FIRST = 20  # pairs that it scores
_DECIDES = "demo-roi-sure"
_MAX_MISS_RATE, _CONFIDENCE = 0.10, 0.95
# Seeds are the demo's plus these: other patients than those that are learnt from, and than one another.
_TESTED, _LABELLED, _LISTED = 1_000, 2_000, 3_000


@dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """What the demonstration leaves for a worklist.

    decides   the bundle whose scores `policy` judges
    further   bundles to compare with: the demo's other one, and those that come with the package
    incoming  a manifest of films from two sites that were calibrated and one that was not; nobody has learnt from them
    broken    a file that is no film
    runs      the log of a training
    """

    decides: Path
    further: tuple[Path, ...]
    policy: Path
    incoming: Path
    broken: Path
    runs: Path


def demonstrate(
    out: Path,
    *,
    seed: int,
    normals: int,
    pairs: int,
    epochs: int,
    labelled: int,
    step: Callable[[str], None],
    say: Callable[[str], None],
    progress: Callable[[str, Progress], None] | None = None,
) -> Demonstrated:
    """Run the demonstration into the folder `out`; what an earlier one left there is replaced.

    labelled  abnormal films of each site to calibrate on
    step      announces what happens next
    say       reports the result

    Nothing is asked; every figure is made here and now.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in ("films", "planted", "calibration", "incoming", "runs"):
        shutil.rmtree(out / name, ignore_errors=True)
    sites = [
        (out / "calibration", _shares(seed + _LABELLED, normals=30, abnormals=labelled)),
        (out / "incoming", [*_shares(seed + _LISTED, normals=20, abnormals=14), _stranger(seed + _LISTED)]),
    ]
    with worker_processes(1) as beside:  # it draws while this process trains
        step(
            f"1/{STEPS}  Making {normals} normal films and {pairs} twin pairs "
            "(the same chest with and without a lesion)"
        )
        drawn = [
            beside.submit(_draw_twins, out / name, pairs, seed + _TESTED, shortcut)
            for name, shortcut in (("films", False), ("planted", True))
        ]
        drawn += [beside.submit(write_sites, shares, folder) for folder, shares in sites]
        learnt = list(phantoms.normals(normals, seed=seed))
        tested = drawn[0].result()
        say(f"     {tested}")

        step(f"2/{STEPS}  Scoring {_FIRST} of the pairs with {_AT_ONCE}, a model that comes with the package")
        say(f"     {_first_scores(tested)}")

        step(f"3/{STEPS}  Finding the lungs: a small U-Net learns them from the normals' masks")
        finder = cross_fitted(learnt, config=_FINDER, seed=seed, progress=progress)

        step(f"4/{STEPS}  Training two detectors on normal films alone: pca, then roi-sure (64 px)")
        training = Training(epochs=epochs, seed=seed)
        run = out / "runs" / _DECIDES
        detectors = {
            "pca": Pca(size=64).fit(learnt, finder=finder, training=training),
            "roi-sure": RoiSure(size=64).fit(learnt, finder=finder, training=training, folder=run, progress=progress),
        }
        for name, detector in detectors.items():
            save(detector, out / "models" / f"demo-{name}", data="phantoms, made by the demo")

        facts = {
            "version": __version__, "device": detectors["roi-sure"].trained_on, "films": "phantoms, made by the demo"
        }  # fmt: skip
        step(f"5/{STEPS}  Scoring the matched pairs; comparing the scores with simple image statistics")
        results = {
            name: evaluate(detector, films(tested, lesions=True), out=out / "reports" / name, seed=seed, facts=facts)
            for name, detector in detectors.items()
        }
        for name, result in results.items():
            say(f"     {name}: {result.headline}")
            say(f"     {' ' * len(name)}  {result.verdict}")
        for line in _by_lesion(results):
            say(f"     {line}")
        say(
            f"     These detectors had {epochs} epochs on {normals} simulated films: "
            "they show the way, not what can be reached."
        )

        step(f"6/{STEPS}  A planted shortcut: the same pairs, but the abnormal films come from a sharper scanner")
        say(f"     {evaluate(detectors['pca'], films(drawn[1].result()), seed=seed).verdict}")

        step(f"7/{STEPS}  Files that are no films: one cut short, one that would unpack to gigabytes")
        bad = _bad_files(out / "bad-files", tested)
        for refused in films([str(path) for path in bad]):
            if not isinstance(refused, NotRead):
                raise RuntimeError(f"{refused.name} was read, and should not have been: please report this")
            say(f"     {refused.name}: {refused.reason}")

        step(f"8/{STEPS}  Calibrating roi-sure on labelled films of two simulated sites, {NORTH.name} and {SOUTH.name}")
        calibrated = calibrate(detectors["roi-sure"], films(drawn[2].result()), _MAX_MISS_RATE, _CONFIDENCE)
        assert calibrated.policy is not None
        calibrated.policy.save(out / "policy.json")
        for line in lines(calibrated.policy):
            say(f"     {line}")
        incoming = drawn[3].result()

    say("")
    for name in results:
        say(f"report ({name}): {(out / 'reports' / name / 'report.html').resolve()}")
    say(f"models: {(out / 'models').resolve()}")
    say(f"try: {Path(sys.argv[0])} score {out / 'models' / 'demo-pca'} --data {tested}")
    return Demonstrated(
        decides=out / "models" / _DECIDES,
        further=(out / "models" / "demo-pca", *_SHIPPED),
        policy=out / "policy.json",
        incoming=incoming,
        broken=bad[0],
        runs=out / "runs",
    )


def _draw_twins(folder: Path, pairs: int, seed: int, shortcut: bool) -> Path:
    return phantoms.write(phantoms.twins(pairs, seed=seed, shortcut=shortcut), folder)


def _shares(seed: int, *, normals: int, abnormals: int) -> list[Share]:
    """So many films of each site that is calibrated."""
    of = partial(Share, normals=normals, abnormals=abnormals)
    return [of(station=NORTH, seed=seed), of(station=SOUTH, seed=seed + 10)]


def _stranger(seed: int) -> Share:
    """A few films of a site that is not."""
    return Share(station=WEST, normals=2, abnormals=2, seed=seed + 20)


def _first_scores(tested: Path) -> str:
    """What the shipped model makes of the first pairs."""
    findings = [f for f in load(_AT_ONCE).score(islice(films(tested), 2 * _FIRST)) if isinstance(f, Finding)]
    area = auroc([f.score for f in findings], [f.film.label == "abnormal" for f in findings])
    return (
        f"{len(findings)} films scored, AUROC {area:.2f}: the model learnt from real films, and simulated films are "
        f"foreign to it; "
        f"its card shows its AUROC on real films (unseen info {_AT_ONCE})"
    )


def _by_lesion(results: dict[str, Evaluation]) -> list[str]:
    """AUROC by lesion kind and contrast, one line each, all detectors side by side."""
    lines = []
    for column in ("by_kind", "by_contrast"):
        groups = [result.metrics[column] for result in results.values()]
        for key in sorted({key for group in groups if isinstance(group, dict) for key in group}):
            cells = []
            for name, group in zip(results, groups, strict=True):
                figure = group.get(key) if isinstance(group, dict) else None
                value = figure.get("value") if isinstance(figure, dict) else None
                low, high = (figure.get("low"), figure.get("high")) if isinstance(figure, dict) else (None, None)
                cells.append(f"{name} –" if value is None else f"{name} {value:.2f} [{low:.2f}, {high:.2f}]")
            lines.append(f"AUROC, {key:14} {'   '.join(cells)}")
    return lines


def _bad_files(folder: Path, manifest: Path) -> list[Path]:
    """A truncated film, and a PNG whose header promises 60,000 × 60,000 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    whole = next(path for path in sorted(manifest.parent.rglob("*.png")))
    content = whole.read_bytes()
    write_bytes(folder / "cut-short.png", content[: len(content) // 2])
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + header
    data = b"IDAT" + zlib.compress(bytes(1 << 20))
    bomb = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (chunk, data, b"IEND")
    )
    write_bytes(folder / "bomb.png", bomb)
    return [folder / "cut-short.png", folder / "bomb.png"]
