"""The demonstration: simulated films, two detectors trained live, a report; a planted shortcut caught; bad files
refused."""

from __future__ import annotations

import struct
import sys
import zlib
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from unseen import __version__
from unseen.anatomy.crossfit import cross_fitted
from unseen.anatomy.lungs import LungFinder
from unseen.artifacts.files import write_bytes
from unseen.data import phantoms
from unseen.data.film import NotRead
from unseen.data.reading import films
from unseen.detectors.detector import Finding
from unseen.detectors.pca import Pca
from unseen.detectors.roi_sure import RoiSure
from unseen.detectors.saved import load, save
from unseen.evaluation.evaluating import Evaluation, evaluate
from unseen.evaluation.roc import auroc
from unseen.training.settings import Training

if TYPE_CHECKING:
    from unseen.training.loop import Progress

_FINDER = LungFinder.Config(steps=80)  # phantoms' lungs are easily found; real films need the default
_SHIPPED = Path("models/pca")
_FIRST = 20  # pairs that the shipped model scores
_TESTED = 1_000  # seeds of tested phantoms are the demo's plus this: other patients than those that are learnt from


def demonstrate(
    out: Path,
    *,
    seed: int,
    normals: int,
    pairs: int,
    epochs: int,
    step: Callable[[str], None],
    say: Callable[[str], None],
    progress: Callable[[str, Progress], None] | None = None,
) -> None:
    """Run the demonstration into the folder `out`.

    step announces what happens next, say tells what came out. Nothing is asked; every figure is made here and now.
    """
    out.mkdir(parents=True, exist_ok=True)
    step(f"1/7  Making {normals} normal films and {pairs} twin pairs (the same chest with and without a lesion)")
    learnt = list(phantoms.normals(normals, seed=seed))
    tested = phantoms.write(phantoms.twins(pairs, seed=seed + _TESTED), out / "films")
    say(f"     {tested}")

    step(f"2/7  Scoring {_FIRST} of the pairs with {_SHIPPED}, a model that comes with the package")
    say(f"     {_first_scores(tested)}")

    step("3/7  Finding the lungs: a small U-Net learns them from the normals' masks")
    finder = cross_fitted(learnt, config=_FINDER, seed=seed, progress=progress)

    step("4/7  Training two detectors on normal films alone: pca, then roi-sure (64 px)")
    training = Training(epochs=epochs, seed=seed)
    detectors = {
        "pca": Pca(size=64).fit(learnt, finder=finder, training=training),
        "roi-sure": RoiSure(size=64).fit(learnt, finder=finder, training=training, progress=progress),
    }
    for name, detector in detectors.items():
        save(detector, out / "models" / name)

    facts = {"version": __version__, "device": detectors["roi-sure"].trained_on, "films": "phantoms, made by the demo"}
    step("5/7  Scoring the twins, and judging the scores beside trivial picture statistics")
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

    step("6/7  A planted shortcut: the same twins, but abnormal films come from a sharper scanner")
    planted = evaluate(detectors["pca"], phantoms.twins(pairs, seed=seed + _TESTED, shortcut=True), seed=seed)
    say(f"     {planted.verdict}")

    step("7/7  Files that are no films: one cut short, one that would unpack to gigabytes")
    for refused in films([str(path) for path in _bad_files(out / "bad-files", tested)]):
        if not isinstance(refused, NotRead):
            raise RuntimeError(f"{refused.name} was read, and should not have been: please report this")
        say(f"     {refused.name}: {refused.reason}")

    say("")
    for name in results:
        say(f"report ({name}): {(out / 'reports' / name / 'report.html').resolve()}")
    say(f"models: {(out / 'models').resolve()}")
    say(f"try: {Path(sys.argv[0])} score {out / 'models' / 'pca'} --data {tested}")


def _first_scores(tested: Path) -> str:
    """What the shipped model makes of the first pairs."""
    findings = [f for f in load(_SHIPPED).score(islice(films(tested), 2 * _FIRST)) if isinstance(f, Finding)]
    area = auroc([f.score for f in findings], [f.film.label == "abnormal" for f in findings])
    return (
        f"{len(findings)} films scored, AUROC {area:.2f}: it learnt from real films, and simulated ones are foreign "
        f"to it; "
        "its card says what it reaches on real films (unseen info models/pca)"
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
