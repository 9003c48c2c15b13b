"""The demonstration: simulated films, the model that ships for them, two detectors trained live, a report; a planted
shortcut caught; bad files refused; a calibration on two simulated sites, and the films of a worklist.
"""

from __future__ import annotations

import shutil
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unseen import __version__
from unseen.artifacts import Recipe, number_of, write_bytes
from unseen.data import NotRead, films, phantoms
from unseen.detectors import Dae, Pca, load, save
from unseen.evaluation import Evaluation, Interval, evaluate
from unseen.runs import add_normal_scores, worker_processes
from unseen.screening import Policy, calibrate, policy_lines
from unseen.screening import load as load_screener
from unseen.training import Training
from unseen_server.demo.simulated_sites import NORTH, SOUTH, WEST, SiteShare, draw_twins, write_sites

if TYPE_CHECKING:
    from unseen.screening import Screened
    from unseen.training import Progress

STEPS: Final = 9
"""Steps in all; the eighth and the ninth, the worklist and its pages, are the caller's."""
_SCREENER = Path("models/phantom-screener")
_FEATURES = 8  # of dae: a third of the processor time of its default, 16
_MAX_MISS_RATE, _CONFIDENCE = 0.10, 0.95
# Seeds are the demo's plus these: other patients than those that are learnt from, and than one another.
_TESTED, _LABELLED, _LISTED = 1_000, 2_000, 3_000


@dataclass(frozen=True, kw_only=True)
class Demonstrated:
    """Files that the demonstration makes for a worklist.

    Args:
        decides: the bundle whose scores `policy` judges: the model that ships for phantoms.
        further: bundles to compare with: those that were trained live.
        incoming: a manifest of films from two sites that were calibrated and one that was not; nobody has learnt from
            them.
        broken: a file that is no film.
        tested: a manifest of the twin pairs.
        runs: the log of a training.
    """

    decides: Path
    further: tuple[Path, ...]
    policy: Path
    incoming: Path
    broken: Path
    tested: Path
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
    counting: Callable[[int], Callable[[int], None]] | None = None,
) -> Demonstrated:
    """Run the demonstration into the folder `out`; what an earlier one left there is replaced.

    Args:
        labelled: abnormal films of each site to calibrate on.
        step: announces what happens next.
        say: reports the result.
        progress: called with the state of a training, as by `fit`.
        counting: called with a number of films before a detector scores them; returns what is called with the number
            done, after each.

    Nothing is asked; every figure is made here and now.
    """
    out.mkdir(parents=True, exist_ok=True)
    for name in ("films", "planted", "calibration", "incoming", "runs"):
        shutil.rmtree(out / name, ignore_errors=True)
    sites = [
        (out / "calibration", _shares(seed + _LABELLED, normals=30, abnormals=labelled)),
        (out / "incoming", [*_shares(seed + _LISTED, normals=20, abnormals=14), _stranger(seed + _LISTED)]),
    ]
    with worker_processes(1) as beside:  # it draws and calibrates while this process scores and trains
        step(
            f"1/{STEPS}  Making simulated films: {normals} normal ones to train on, and {pairs} pairs to test on "
            "(the same chest with and without a lesion)"
        )
        drawn = [
            beside.submit(draw_twins, out / name, pairs, seed + _TESTED, shortcut)
            for name, shortcut in (("films", False), ("planted", True))
        ]
        drawn += [beside.submit(write_sites, shares, folder) for folder, shares in sites]
        calibrated = beside.submit(_calibrated, out / "calibration" / "manifest.csv", out / "policy.json")
        learnt = list(phantoms.normals(normals, seed=seed))
        tested = drawn[0].result()
        say(f"     films and their labels: {tested}")

        facts = {"version": __version__, "films": "phantoms, made by the demo"}
        step(f"2/{STEPS}  Scoring the pairs with {_SCREENER}, a trained model of this package")
        screener = load(_SCREENER)
        shown = films(tested, lesions=True)
        results = {
            "phantom-screener": evaluate(
                screener,
                shown,
                out=out / "reports" / "phantom-screener",
                seed=seed,
                facts=facts,
                progress=counting and counting(len(shown)),
            )
        }
        say(f"     {_first_scores(results['phantom-screener'])}")
        say("     Look at: the AUROC. 0.5 is chance; at 1 every abnormal film scores higher than every normal film.")

        step(f"3/{STEPS}  Training two detectors, pca and dae (an autoencoder), on the {normals} normal films alone")
        training = Training(epochs=epochs, seed=seed)
        finder = screener.finder
        run = out / "runs" / "demo-dae"
        detectors = {
            "pca": Pca(size=64).fit(learnt, finder=finder, training=training),
            "dae": Dae(size=64, features=_FEATURES).fit(
                learnt, finder=finder, training=training, folder=run, progress=progress
            ),
        }
        for name, detector in detectors.items():
            method = {"key": name, "settings": detector.config.model_dump(mode="json")}
            recipe = Recipe.model_validate(
                {"name": f"demo-{name}", "method": method, "training": {"epochs": epochs, "seed": seed}}
            )
            add_normal_scores(detector, recipe, learnt, folds=2 if detector.learns_by_epochs else 10)
            save(detector, out / "models" / f"demo-{name}", data="phantoms, made by the demo")

        step(f"4/{STEPS}  Scoring the pairs with pca and dae; comparing the three detectors with image statistics")
        facts["device"] = detectors["dae"].trained_on
        results |= {
            name: evaluate(
                detector,
                shown,
                out=out / "reports" / name,
                seed=seed,
                facts=facts,
                progress=counting and counting(len(shown)),
            )
            for name, detector in detectors.items()
        }
        for name, result in results.items():
            say(f"     {name}: {result.headline}")
            say(f"     {' ' * len(name)}  {result.verdict}")
        for line in _by_lesion(results):
            say(f"     {line}")
        say("     Look at: the types of lesion with the lowest AUROC.")
        say(f"     {_training_note(epochs, normals)}")

        step(
            f"5/{STEPS}  Planting a shortcut: scoring the pairs with pca, the abnormal films now from a sharper scanner"
        )
        say(f"     pca: {evaluate(detectors['pca'], films(drawn[1].result()), seed=seed).verdict}")
        say("     Look at: the shortcut that is named. A score that rises with it separates scanners, not patients.")

        step(f"6/{STEPS}  Reading two broken files: one is cut short, and one would unpack to gigabytes")
        bad = _bad_files(out / "bad-files", tested)
        for refused in films([str(path) for path in bad]):
            if not isinstance(refused, NotRead):
                raise RuntimeError(f"{refused.name} was read, and should not have been: please report this")
            say(f"     {refused.name}: {refused.reason}")

        step(f"7/{STEPS}  Calibrating {_SCREENER} on labelled films of two simulated sites: which films may be cleared")
        for drawing in drawn:  # an error of a drawing is raised before that of the calibration, which follows from it
            drawing.result()
        for line in calibrated.result():
            say(f"     {line}")
        incoming = drawn[3].result()

    say("")
    for name in results:
        say(f"report ({name}): {(out / 'reports' / name / 'report.html').resolve()}")
    say(f"models: {(out / 'models').resolve()}")
    return Demonstrated(
        tested=tested,
        decides=_SCREENER,
        further=tuple(out / "models" / f"demo-{name}" for name in detectors),
        policy=out / "policy.json",
        incoming=incoming,
        broken=bad[0],
        runs=out / "runs",
    )


def _shares(seed: int, *, normals: int, abnormals: int) -> list[SiteShare]:
    """Return the shares of films of each site that is calibrated."""
    of = partial(SiteShare, normals=normals, abnormals=abnormals)
    return [of(station=NORTH, seed=seed), of(station=SOUTH, seed=seed + 10)]


def _stranger(seed: int) -> SiteShare:
    """Return the share of a site that the policy does not know: a few films."""
    return SiteShare(station=WEST, normals=2, abnormals=2, seed=seed + 20)


def _calibrated(labelled: Path, policy: Path) -> list[str]:
    """Calibrate the shipped model on the films of a manifest, write the policy, and describe it, a line for each fact.

    A worker process runs it on one thread, while the main process trains on the other cores.
    """
    import torch

    torch.set_num_threads(1)
    screener = load_screener(_SCREENER)
    refused: Counter[tuple[str, str]] = Counter()

    def watch(one: Screened) -> None:
        if one.decision.score is None:
            refused[one.label or "unlabelled", one.decision.reason] += 1

    made = calibrate(
        screener.detector, films(labelled), _MAX_MISS_RATE, _CONFIDENCE, gate=screener.gate, watch=watch
    ).policy
    if made is None:
        raise RuntimeError(f"{labelled}: the calibration made no policy: please report this")
    made.save(policy)
    reasons = [
        f"{number_of(count, f'{label} film', 'was')} not scored: {reason}"
        for (label, reason), count in refused.most_common()
    ]
    return [*policy_lines(made), *reasons, calibration_note(made)]


def calibration_note(policy: Policy) -> str:
    """Return the sentence that explains the calibration's result to a first-time user.

    >>> from unseen.screening.policy import SourcePolicy
    >>> few = SourcePolicy(abnormals=27, normals=(0.1,), refused="27 abnormal studies are labelled and 29 are needed")
    >>> of = partial(Policy, model="pca", weights_sha256="ab" * 32, max_miss_rate=0.1, confidence=0.95, level=0.95)
    >>> calibration_note(of(sources={"South": few}))
    'Look at: South has too few labelled abnormal films, so none of its films is cleared. This is intended: no film is \
cleared without the guarantee. A larger --labelled gives each site more films.'
    >>> calibration_note(of(sources={"North": few, "South": few})).partition(" This")[0]
    'Look at: North and South have too few labelled abnormal films, so none of their films is cleared.'
    """
    few = [name for name, source in policy.sources.items() if source.threshold is None]
    if not few:
        return "Look at: the share of normal studies that is cleared at each site. Every other film is read."
    has, its = ("has", "its") if len(few) == 1 else ("have", "their")
    return (
        f"Look at: {' and '.join(few)} {has} too few labelled abnormal films, so none of {its} films is cleared. This "
        "is intended: no film is cleared without the guarantee. A larger --labelled gives each site more films."
    )


def _training_note(epochs: int, normals: int) -> str:
    """Return the sentences about the budget of the training.

    >>> _training_note(2, 80)
    'dae is trained live with a small budget, 2 epochs on 80 films, to show a training. After so few steps its \
AUROC can be below 0.5; the installation is not at fault. pca has no epochs.'
    """
    return (
        f"dae is trained live with a small budget, {epochs} {'epoch' if epochs == 1 else 'epochs'} on {normals} films, "
        "to show a training. After so few steps its AUROC can be below 0.5; the installation is not at fault. pca has "
        "no epochs."
    )


def _first_scores(result: Evaluation) -> str:
    """Describe how the shipped model orders the pairs."""
    area = result.auroc
    value = f"{area.value:.2f}" if isinstance(area, Interval) else "unknown"
    return (
        f"AUROC {value} on {len(result.table)} films. The model was trained on other simulated normal films. Its input "
        "gate, which refuses unsuitable images, is off here."
    )


def _by_lesion(results: dict[str, Evaluation]) -> list[str]:
    """Return AUROCs by lesion type and contrast, one line each, all detectors side by side."""
    lines = []
    for column in ("by_kind", "by_contrast"):
        groups = [result.metrics[column] for result in results.values()]
        for key in sorted({key for group in groups if isinstance(group, dict) for key in group}):
            cells = []
            for name, group in zip(results, groups, strict=True):
                figure = group.get(key) if isinstance(group, dict) else None
                value = figure.get("value") if isinstance(figure, dict) else None
                low, high = (figure.get("low"), figure.get("high")) if isinstance(figure, dict) else (None, None)
                cells.append(
                    f"{name}: too few films" if value is None else f"{name} {value:.2f} [{low:.2f}, {high:.2f}]"
                )
            lines.append(f"AUROC, {key:14} {'   '.join(cells)}")
    return lines


def _bad_files(folder: Path, manifest: Path) -> list[Path]:
    """Write a truncated film, and a PNG whose header promises 60,000 × 60,000 pixels; return both paths."""
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
