"""The model that ships for the phantoms: `python -m studies.phantom_screener train`, `policy`, `measure`, `page`.

`train` trains a lung finder and `lesion-segmentation` on normal phantoms, adds an input gate and the scores of further
normal phantoms, and writes `models/phantom-screener` into the library; it resumes from `$UNSEEN_RUNS`. `policy`
calibrates it. `measure` scores matched pairs of seeds that nothing was trained, chosen or calibrated on. `page` writes
`docs/results-phantom-screener.md` from the rows.

Choices are made on seed 4901 alone (`--development`, which writes no row).
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from studies.pages.cells import put_between, table
from studies.row_files import read_study, write_row
from studies.rows import Row
from unseen import __version__
from unseen.anatomy.lung_finder import LungExamples, LungFinder
from unseen.anatomy.network_view import View
from unseen.artifacts.bundle import add_normal_scores, card_of
from unseen.artifacts.run_folder import runs_root
from unseen.data import phantoms
from unseen.data.film import Film
from unseen.data.phantoms.lesion_ranges import KINDS, Contrast
from unseen.detectors.dct import Dct
from unseen.detectors.detector import Detector
from unseen.detectors.finding import Finding
from unseen.detectors.lesion_segmentation import LesionSegmentation
from unseen.detectors.painted_lesions import effusion, opacity, pneumothorax
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load, save
from unseen.evaluation.bootstrap import share_of
from unseen.evaluation.intervals import interval_text
from unseen.evaluation.roc import auroc
from unseen.screening.calibration import calibrate
from unseen.screening.gate.gate import Gate
from unseen.screening.screener import load as load_screener
from unseen.training.progress_display import shown_on
from unseen.training.settings import Training

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "src" / "unseen" / "phantom_models"
NAME = Path("models/phantom-screener")
POLICY = Path("models/phantom-screener.policy.json")
PAGE = ROOT / "docs" / "results-phantom-screener.md"
BEGIN, END = "<!-- phantom screener table -->", "<!-- end of the phantom screener table -->"

TRAIN, CHOSEN_BY, REFERENCE, CALIBRATION = 4900, 4901, 4903, 4904
"""Seeds of the phantoms. 4901 is the only one with lesions that choices were made by."""
TEST: tuple[tuple[int, Contrast], ...] = (
    (5101, "moderate"), (5102, "moderate"), (5103, "moderate"), (5104, "obvious"),
)  # fmt: skip
"""Seeds of the tested pairs: used once, for the rows."""
PAIRS, REFERENCES, LABELLED = 60, 400, 400
NORMALS, LUNG_FILMS = 1500, 400
SIZE, FEATURES = 256, LesionSegmentation.Config().features
TRAINING = Training(epochs=36, batch_size=8, seed=0, threads=1, device="cpu")
FINDER = LungFinder.Config(size=128, features=6, depth=4, steps=800, painted=0.6, varied=True)
AIMS: dict[str, float] = {"pooled": 0.90} | {kind: 0.80 for kind in KINDS} | {"inside": 0.70}
_DATA = (
    f"{NORMALS} simulated normal films (`unseen.data.phantoms.normals`, seed {TRAIN}) with lesions painted by "
    "`unseen.detectors.painted_lesions`; no film of a person."
)


class _DrawnLungs:
    """The lungs as a phantom's film holds them: where lesions are painted in training."""

    def find(self, film: Film) -> NDArray[np.bool_]:
        assert film.lungs is not None, film.name
        return film.lungs


def train() -> None:
    """Train, add gate and reference scores, and write the bundle."""
    runs = runs_root() / "phantom-screener"
    show = shown_on()
    normals = phantoms.normals(NORMALS, seed=TRAIN)
    examples = LungExamples.of(normals[:LUNG_FILMS], size=FINDER.size)
    finder = LungFinder(FINDER).fit(
        examples, device="cpu", folder=runs / "lungs", progress=lambda state: show("lungs", state)
    )
    detector = LesionSegmentation(view=View(frame="whole", size=SIZE))
    detector.fit(normals, finder=_DrawnLungs(), training=TRAINING, folder=runs / "network", progress=show)
    detector.finder = finder
    gate = Gate.fit(_gate_films(detector.view), finder=finder, seed=0)
    target = FOLDER / NAME.name
    save(detector, target, data=_DATA, licence="Apache-2.0", half=True, gate=gate)
    shipped = load(target)
    found = [one for one in shipped.score(phantoms.normals(REFERENCES, seed=REFERENCE)) if isinstance(one, Finding)]
    scores = [one.score for one in found]
    assert len(scores) == REFERENCES
    card = add_normal_scores(target, scores, folds=1)
    size = sum(path.stat().st_size for path in target.iterdir())
    print(f"{target}: {size / 1e6:.2f} MB, {len(card.normal_scores)} reference scores, digest {card.digest[:16]}")


def _gate_films(view: View) -> Iterator[Film]:
    """Normal films, every second one with a painted lesion: the gate must let lesions pass."""
    rng = torch.Generator().manual_seed(0)
    for number, film in enumerate(phantoms.normals(REFERENCES, seed=TRAIN)):
        if number % 2 == 0:
            yield film
            continue
        image = view(film).image[0]
        assert film.lungs is not None and image.shape == film.pixels.shape
        paint = (effusion, opacity, effusion, pneumothorax)[number // 2 % 4]
        changed, _ = paint(image, torch.from_numpy(film.lungs), rng)
        # a difference of 1 in network units is three standard deviations of the film
        difference = 3 * float(film.pixels.std()) * (changed - image).numpy()
        yield replace(film, pixels=np.clip(film.pixels + difference, 0, 1).astype(np.float32))


def policy() -> None:
    """Calibrate the shipped model on labelled phantoms and write its policy beside it."""
    screener = load_screener(NAME)
    half = LABELLED // 2
    labelled = [*phantoms.normals(half, seed=CALIBRATION), *phantoms.abnormals(half, seed=CALIBRATION)]
    made = calibrate(screener.detector, labelled, 0.05, 0.95, gate=screener.gate)
    assert made.policy is not None
    made.policy.save(FOLDER / POLICY.name)
    print(f"{FOLDER / POLICY.name}: from {len(labelled)} films")


def measured(detector: Detector, *, seed: int, contrast: Contrast, gated: bool = True) -> dict[str, object]:
    """Return figures of the matched pairs of a seed: AUROC, pooled and by type of lesion, and the share of maps with
    their maximum inside the lesion, each with a 95 % bootstrap interval over films."""
    films = list(phantoms.twins(PAIRS, seed=seed, contrast=contrast))
    found = [one for one in detector.score(films) if isinstance(one, Finding)]
    assert len(found) == len(films)
    scores = np.array([one.score for one in found])
    normal, abnormal = scores[0::2], scores[1::2]
    kinds = np.array([film.columns["kind"] for film in films[1::2]])
    figures: dict[str, object] = {"pooled": _auroc(normal, abnormal)}
    for kind in KINDS:
        figures[kind] = {**_auroc(normal, abnormal[kinds == kind]), "pairs": int((kinds == kind).sum())}
    inside = np.array([_maximum_inside(one) for one in found[1::2]])
    figures["inside"] = {**share_of(inside).to_json(), "films": len(inside)}
    if not gated:
        return figures
    refused = [one.finding is None for one in load_screener(NAME).screen(films)]
    figures["refused"] = {"normal": sum(refused[0::2]), "abnormal": sum(refused[1::2])}
    return figures


def _auroc(normal: NDArray[np.float64], abnormal: NDArray[np.float64]) -> dict[str, object]:
    rng = np.random.default_rng(0)

    def of(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
        return auroc([False] * len(first) + [True] * len(second), [*first, *second])

    draws = [of(rng.choice(normal, len(normal)), rng.choice(abnormal, len(abnormal))) for _ in range(1000)]
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": round(of(normal, abnormal), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _maximum_inside(found: Finding) -> bool:
    """Return whether the map's maximum lies inside the lesion."""
    assert found.film.lesion is not None, found.film.name
    lesion = found.viewed.on_grid(found.film.lesion)
    return bool(lesion.reshape(-1)[int(np.argmax(found.anomaly_map))] > 0.5)


def measure(rows: Path) -> None:
    """Measure the shipped model on the test seeds and write a row for each."""
    detector = load(NAME)
    card = card_of(NAME)
    for seed, contrast in TEST:
        row: Row = {
            "recipe": f"phantom_screener/{contrast}",
            "seed": seed,
            "model_digest": card.digest,
            "contrast": contrast,
            "pairs": PAIRS,
            "figures": measured(detector, seed=seed, contrast=contrast),
            "version": __version__,
            "device": platform.processor() or platform.machine(),
            "date": datetime.now(UTC).date().isoformat(),
        }
        print(write_row(row, rows), row["figures"])


def attempts(rows: Path) -> None:
    """Measure other approaches on the seed of the choices, and write a row for each."""
    shipped = load(NAME)
    assert isinstance(shipped, LesionSegmentation)
    some = phantoms.normals(LABELLED, seed=TRAIN)
    tried: dict[str, Detector] = {
        "pca": Pca(size=64).fit(some, finder=shipped.finder),
        "dct": Dct(size=128).fit(some, finder=shipped.finder),
    }
    films = list(phantoms.normals(200, seed=TRAIN))
    for copies in (1, 2):
        other = LesionSegmentation(view=shipped.view, features=shipped.config.features, copies=copies)
        other.modules()
        other.network.load_state_dict(shipped.network.state_dict())
        other.finder, other.training_films = _DrawnLungs(), shipped.training_films
        other.weigh(other.prepare(films), seed=0)
        tried["one-copy" if copies == 1 else "two-copies"] = other
    tried["eight-copies"] = shipped
    for name, detector in tried.items():
        row: Row = {
            "recipe": f"phantom_screener_attempts/{name}",
            "seed": CHOSEN_BY,
            "contrast": "moderate",
            "pairs": PAIRS,
            "figures": measured(detector, seed=CHOSEN_BY, contrast="moderate", gated=False),
            "version": __version__,
            "date": datetime.now(UTC).date().isoformat(),
        }
        print(write_row(row, rows), row["figures"])


def page(rows: Path) -> None:
    """Write the tables of the page from the rows."""
    put_between(PAGE, BEGIN, END, page_table(read_study("phantom_screener", rows).values()))
    put_between(PAGE, "<!-- attempts -->", "<!-- end of the attempts -->", attempts_table(rows))


_APPROACHES = {
    "pca": "`pca`, lungs at 64 pixels, 400 normal films",
    "dct": "`dct`, lungs at 128 pixels, 400 normal films",
    "one-copy": "`lesion-segmentation`, the film alone",
    "two-copies": "`lesion-segmentation`, the film and its mirror image",
    "eight-copies": "`lesion-segmentation`, eight copies of the film (ships)",
}


def attempts_table(rows: Path) -> str:
    """Return a line for each approach."""
    found = read_study("phantom_screener_attempts", rows)
    return table(
        ["", *AIMS],
        [
            [words, *(interval_text(row["figures"][aim]) for aim in AIMS)]
            for name, words in _APPROACHES.items()
            if (row := found.get(f"phantom_screener_attempts/{name}-{CHOSEN_BY}"))
        ],
    )


def page_table(rows: Iterable[Row]) -> str:
    """Return one column for each test seed, one line for each figure with its aim."""
    listed = list(rows)
    heads = ["", "aim", *(f"{row['contrast']}, seed {row['seed']}" for row in listed)]
    words = {"pooled": "AUROC, pooled", "inside": "maximum of the map inside the lesion"}
    lines: list[Sequence[str]] = [
        [words.get(name, f"AUROC, {name}"), f"≥ {aim:.2f}", *(interval_text(row["figures"][name]) for row in listed)]
        for name, aim in AIMS.items()
    ]
    lines.append(
        ["refused by the gate, rules before 2026-11-29 (normal, abnormal)", "", *(
            f"{row['figures']['refused']['normal']}, {row['figures']['refused']['abnormal']} of {row['pairs']}"
            for row in listed
        )]
    )  # fmt: skip
    return "\n\n".join([table(heads, lines), *_missed(listed)])


def training_steps() -> int:
    """Return the steps of the training; the last batch of an epoch is left out where it is not full.

    >>> training_steps()
    6732
    """
    return TRAINING.epochs * (NORMALS // TRAINING.batch_size)


def _missed(rows: Sequence[Row]) -> list[str]:
    """Return which aims are missed, by contrast, with the training behind it; nothing without rows."""
    if not rows:
        return []
    said = []
    for contrast in dict.fromkeys(str(row["contrast"]) for row in rows):
        some = [row for row in rows if row["contrast"] == contrast]
        counts = {name: sum(row["figures"][name]["value"] < aim for row in some) for name, aim in AIMS.items()}
        missed = [f"{name} on {count} of {len(some)} seeds" for name, count in counts.items() if count]
        said.append(
            f"At {contrast} contrast these aims are missed: {', '.join(missed)}."
            if missed
            else f"At {contrast} contrast every aim is reached."
        )
    return [
        f"Trained for {training_steps():,} steps ({TRAINING.epochs} epochs of {NORMALS:,} simulated normal films) with "
        f"{FEATURES} features at {SIZE} px. {' '.join(said)}"
    ]


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["train", "policy", "measure", "attempts", "page"])
    parser.add_argument("--development", action="store_true", help="measure on the seed of the choices, without a row")
    parser.add_argument("--rows", type=Path, default=ROOT / "studies" / "results")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.development:
        print(measured(load(NAME), seed=CHOSEN_BY, contrast="moderate"))
    elif given.step == "train":
        train()
    elif given.step == "policy":
        policy()
    elif given.step == "measure":
        measure(given.rows)
    elif given.step == "attempts":
        attempts(given.rows)
    else:
        page(given.rows)


if __name__ == "__main__":
    main()
