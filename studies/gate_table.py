"""`python -m studies.gate_table`: what the input gate refuses or remarks on, of proper films and of others.

For each test fold a gate learns from the normals of the other folds. Proper films are the fold's own, both labels and
both sources; 300 of them are turned, flipped, inverted and cropped. Images that belong to no fold are dealt to the
four gates in turn, so that each is judged once. Nothing here is used to choose anything.
"""

from __future__ import annotations

import argparse
import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from studies import recipe_files as recipes
from studies.crossfit import TEST_FOLDS
from studies.pages.row_table import render_row
from studies.row_files import write_row
from unseen.anatomy.found_lungs import Finder
from unseen.artifacts.recipe import Recipe
from unseen.artifacts.run_folder import runs_root
from unseen.data.film import Film, NotRead
from unseen.data.reading import films
from unseen.evaluation.intervals import Json
from unseen.runs.cohort import Cohort, cohort_of, data_root
from unseen.runs.lung_finders import shared_lungs
from unseen.runs.training import resolve
from unseen.screening.gate.gate import SHARES, Gate
from unseen.screening.gate.refusal_codes import CODES
from unseen.screening.gate.transforms import CROP, TRANSFORMS

RECIPE = "shipped/pca"
NAME = "gate/ms_cxr"  # of the row
"""Whose films, folds and lung finders are taken: those of the models that ship."""
ALTERED_FILMS = 300
MOST_PROPER, LEAST_OTHERS = 0.06, 0.92
"""Never cleared (refused or remarked on) of proper films at most, by the interval's upper end; of every other kind at
least, by its lower end."""
HU_WINDOW = (-1000.0, 400.0)
"""CT: these Hounsfield units become 0 and 255, linearly."""
BEGIN, END = "<!-- gate table -->", "<!-- end of the gate table -->"
_DRAWN = 100  # blank images, and images of noise

Pixels = NDArray[np.float32]


@dataclass(frozen=True)
class Guard:
    """The gate of one test fold, and the finder that goes with it."""

    gate: Gate
    finder: Finder

    def refused(self, film: Film | NotRead) -> str | None:
        """Return the code of the refusal or of the remark, "not-read" for a file that was not read, or None."""
        if isinstance(film, NotRead):
            return "not-read"
        told = self.gate.judge(film, self.finder.find(film))
        return None if told is None else told.code


def row(name: str, kinds: Sequence[str | None], *, rule: str | None) -> dict[str, Json]:
    """Return one row of the table; `rule` is "proper", "other" or None (reported only).

    >>> found = row("x", ["blank"] * 99 + [None], rule="other")
    >>> found["refused"], found["films"], found["holds"]
    (99, 100, True)
    """
    from scipy.stats import binomtest

    kept = sum(kind is not None for kind in kinds)  # from being cleared
    remarks = sum(kind in CODES and CODES[kind].scored for kind in kinds if kind is not None)
    refused = kept - remarks
    bounds = binomtest(refused, len(kinds)).proportion_ci(0.95, method="wilson")
    never_cleared = binomtest(kept, len(kinds)).proportion_ci(0.95, method="wilson")
    holds = {"proper": never_cleared.high <= MOST_PROPER, "other": never_cleared.low >= LEAST_OTHERS}
    by = Counter(kind for kind in kinds if kind is not None)
    return {
        "name": name,
        "films": len(kinds),
        "refused": refused,
        "remarks": remarks,
        "rate": round(refused / len(kinds), 4),
        "low": round(float(bounds.low), 4),
        "high": round(float(bounds.high), 4),
        "never_cleared_low": round(float(never_cleared.low), 4),
        "never_cleared_high": round(float(never_cleared.high), 4),
        "rule": rule,
        "holds": None if rule is None else bool(holds[rule]),
        "by": {kind: by[kind] for kind in sorted(by)},
    }


def guards(
    recipe: Recipe, cohort: Cohort, *, root: Path, folds: Sequence[int] = TEST_FOLDS, say: Callable[[str], None] = print
) -> dict[int, Guard]:
    """Return a gate for each fold, learnt from the normals of the others."""
    found = {}
    for fold in folds:
        training = cohort.training(fold)
        lungs = shared_lungs(training, recipe, fold=fold, data_digest=cohort.digest, root=root)
        found[fold] = Guard(Gate.fit(training, finder=lungs, seed=recipe.seed), lungs)
        say(f"fold {fold}: learnt, thresholds {found[fold].gate.thresholds}")
    return found


def proper_rows(
    cohort: Cohort, guarding: Mapping[int, Guard], *, altered: int = ALTERED_FILMS, seed: int = 0
) -> list[dict[str, Json]]:
    """Return the rows of the test folds' films: as they are, by source and label, and altered."""
    names = [(fold, entry.name) for fold in guarding for entry in cohort.testing(fold).entries]
    rng = np.random.default_rng(seed)
    picked = {names[i] for i in rng.choice(len(names), min(altered, len(names)), replace=False)}
    proper: list[tuple[Film | NotRead, str | None]] = []
    kinds: dict[str, list[str | None]] = {name: [] for name in ALTERATIONS}
    for fold, guard in guarding.items():
        for film in cohort.testing(fold):
            proper.append((replace(film, pixels=_NOTHING) if isinstance(film, Film) else film, guard.refused(film)))
            if (fold, film.name) in picked and isinstance(film, Film):
                for name, change in ALTERATIONS.items():
                    kinds[name].append(guard.refused(replace(film, pixels=change(film.pixels, rng))))
    groups = sorted({(film.source, str(film.label)) for film, _ in proper})
    return [
        row("proper films", [kind for _, kind in proper], rule="proper"),
        *(
            row(
                f"proper: {source}, {label}",
                [kind for film, kind in proper if (film.source, str(film.label)) == (source, label)],
                rule=None,
            )
            for source, label in groups
        ),
        *(row(name, some, rule="other") for name, some in kinds.items()),
    ]


def foreign_rows(data: Path, guarding: Mapping[int, Guard], *, step: int = 1) -> list[dict[str, Json]]:
    """Return the rows of images that belong to no fold; every `step`-th image of each kind is used."""
    dealt = list(guarding.values())

    def kinds(some: Iterable[Film | NotRead]) -> list[str | None]:
        return [dealt[i % len(dealt)].refused(film) for i, film in enumerate(some) if i % step == 0]

    heart = kinds(arrays(data / "mri" / "chest.npz"))
    brain = kinds([*arrays(data / "mri" / "brain.npz"), *images(data / "brain_t1" / "images")])
    children = {label: kinds(_labelled(data / "kermany", label)) for label in ("normal", "abnormal")}
    rows = [
        row("CT slices", kinds(slices(data / "ct100" / "ct256.npz")), rule="other"),
        row("MR slices", [*heart, *brain], rule="other"),
        row("MR: chest", heart, rule=None),
        row("MR: brain", brain, rule=None),
        row("natural images", kinds(images(data / "natural")), rule="other"),
        row("children", [*children["normal"], *children["abnormal"]], rule="other"),
        row("children: normal", children["normal"], rule=None),
        row("children: pneumonia", children["abnormal"], rule=None),
        row("blank", kinds(_blank()), rule="other"),
        row("noise", kinds(noise()), rule="other"),
    ]
    for label in ("normal", "abnormal"):
        adults = kinds(_labelled(data / "nih_cxr8", label))
        rows.append(row(f"another hospital's adults (NIH): {label}", adults, rule=None))
    for changed, change in (("", _unchanged), (", padded to a square", square)):
        for view in ("lateral", "frontal"):
            rows.append(
                row(f"adults (views): {view}{changed}", kinds(_viewed(data / "views", view, change)), rule=None)
            )
    rows.append(
        row("chest films in original files (cxr_raw)", kinds(films(data / "cxr_raw" / "manifest.csv")), rule=None)
    )
    return rows


def table(recipe: Recipe, *, root: Path | None = None) -> dict[str, Json]:
    """Return the row `gate/ms_cxr`."""
    cohort = cohort_of(recipe)
    guarding = guards(recipe, cohort, root=runs_root() if root is None else root)
    rows = [*proper_rows(cohort, guarding, seed=recipe.seed), *foreign_rows(data_root(), guarding)]
    return {
        "recipe": recipe.name,
        "folds": list(guarding),
        "seed": recipe.seed,
        "device": f"cpu ({platform.machine()}), {torch.get_num_threads()} thread(s)",
        "date": datetime.now(UTC).date().isoformat(),
        "shares": {name: share for name, share in SHARES.items()},
        "crop": list(CROP),
        "hu_window": list(HU_WINDOW),
        "limits": {"proper_at_most": MOST_PROPER, "others_at_least": LEAST_OTHERS},
        "training_normals": {str(fold): len(cohort.training(fold)) for fold in guarding},
        "thresholds": {str(fold): {**guard.gate.thresholds} for fold, guard in guarding.items()},
        "rows": list(rows),
    }


def as_text(rows: Sequence[Mapping[str, Json]]) -> str:
    """Return the rows as aligned lines."""
    said = [f"{'':42} {'refused':>11} {'rate':>6}  95 % interval   remarks"]
    for one in rows:
        verdict = {None: "", True: "holds", False: "FAILS"}[one["holds"]]  # type: ignore[index]
        of = f"{one['refused']} / {one['films']}"
        share = f"{one['rate']:6.3f}  {one['low']:.3f} to {one['high']:.3f}"
        said.append(f"{one['name']!s:42} {of:>11} {share}  {one['remarks']:7}  {verdict:5}  {one['by']}")
    return "\n".join(said)


def as_markdown(found: Mapping[str, Json]) -> str:
    """Return the table of the page: `found` is what `table` made."""
    lines = ["| Images | Refused | Share | 95 % interval | Scored, never cleared | Rule |", "|---|---|---|---|---|---|"]
    limits: Mapping[str, float] = found["limits"]  # type: ignore[assignment]
    rules = {
        None: "none",
        "proper": f"never cleared: upper end ≤ {limits['proper_at_most']:g}",
        "other": f"never cleared: lower end ≥ {limits['others_at_least']:g}",
    }
    for one in found["rows"]:  # type: ignore[union-attr]
        row = dict(one)  # type: ignore[arg-type]
        rule = rules[row["rule"]] + {None: "", True: ": holds", False: ": **fails**"}[row["holds"]]
        interval = f"{row['low']:.3f} to {row['high']:.3f}"
        refused = f"{row['refused']} of {row['films']}"
        lines.append(f"| {row['name']} | {refused} | {row['rate']:.3f} | {interval} | {row['remarks']} | {rule} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write; or put what was measured into the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.gate_table", description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, default=Path("studies/results"), help="folder of rows (default: results)")
    parser.add_argument("--render", type=Path, help="only put the table of the row into this page")
    given = parser.parse_args()
    if given.render is not None:
        render_row(parser, given, NAME, (BEGIN, END), as_markdown)
        return
    torch.set_num_threads(1)
    found = table(resolve(recipes.load(RECIPE)))
    print(as_text(found["rows"]))  # type: ignore[arg-type]
    print("wrote", write_row(found, given.rows, name=NAME))


def _either_way(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    return TRANSFORMS["turned-clockwise" if rng.random() < 0.5 else "turned-anticlockwise"](pixels, rng)


_NOTHING = np.zeros((0, 0), dtype=np.float32)
ALTERATIONS: Mapping[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "turned by 90°": _either_way,
    "turned by 180°": TRANSFORMS["turned-over"],
    "flipped left to right": TRANSFORMS["mirrored"],
    "flipped top to bottom": TRANSFORMS["upside-down"],
    "inverted": TRANSFORMS["inverted"],
    "cropped": TRANSFORMS["cropped"],
}


def _film(name: str, pixels: NDArray[np.float64] | Pixels) -> Film:
    """Return an image as the gate is given it; it is no training film, so its digest is its name."""
    return Film(
        name=name,
        pixels=np.clip(pixels, 0, 1).astype(np.float32),
        source="foreign",
        patient=name,
        study=name,
        bits=8,
        file_sha256=name,
        pixel_sha256=name,
        file_bytes=0,
        file_format="png",
    )


def slices(path: Path) -> Iterator[Film]:
    """Yield each different CT slice once, through `HU_WINDOW`, 8 bits."""
    low, high = HU_WINDOW
    seen = set()
    for i, image in enumerate(np.load(path)["images"]):
        if image.tobytes() not in seen:
            seen.add(image.tobytes())
            yield _film(f"{path.stem}-{i}", np.rint(np.clip((image - low) / (high - low), 0, 1) * 255) / 255)


def arrays(path: Path) -> Iterator[Film]:
    """Yield each different magnitude image once, from 0 to its own maximum, 8 bits."""
    seen = set()
    for i, image in enumerate(np.load(path)["images"]):
        if image.tobytes() not in seen:
            seen.add(image.tobytes())
            yield _film(f"{path.stem}-{i}", np.rint(image / max(float(image.max()), 1e-9) * 255) / 255)


def images(folder: Path) -> Iterator[Film]:
    """Yield every image under `folder`, as grey (ITU-R 601 luma), each different one once."""
    from PIL import Image

    seen = set()
    for path in sorted(folder.rglob("*.png")):
        with Image.open(path) as opened:
            grey = np.asarray(opened.convert("L"))
        if (said := (grey.shape, grey.tobytes())) not in seen:
            seen.add(said)
            yield _film(str(path.relative_to(folder)), grey / 255)


def _labelled(folder: Path, label: str) -> Iterable[Film | NotRead]:
    return films(folder / "manifest.csv").select(lambda entry: entry.label == label)


def _viewed(folder: Path, view: str, change: Callable[[Pixels], Pixels]) -> Iterator[Film | NotRead]:
    """Films of one view, by the manifest's column `view`."""
    import csv

    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        names = {line["file"] for line in csv.DictReader(file) if line["view"] == view}
    for film in films(folder / "manifest.csv").select(lambda entry: entry.name in names):
        yield film if isinstance(film, NotRead) else replace(film, pixels=change(film.pixels))


def _unchanged(pixels: Pixels) -> Pixels:
    return pixels


def square(pixels: Pixels) -> Pixels:
    """Return the image in the middle of a black square, so that its shape does not tell the view."""
    side = max(pixels.shape)
    margins = [((side - length) // 2, side - length - (side - length) // 2) for length in pixels.shape]
    return np.pad(pixels, margins)


def _blank() -> Iterator[Film]:
    """Flat images from black to white, with a noise of half a grey step of 255."""
    rng = np.random.default_rng(0)
    for i, level in enumerate(np.linspace(0, 1, _DRAWN)):
        yield _film(f"blank-{i}", level + rng.normal(size=(256, 256)) * 0.5 / 255)


def noise() -> Iterator[Film]:
    """Independent Gaussian noise about mid-grey, σ from 0.05 to 0.5 of the grey scale."""
    rng = np.random.default_rng(1)
    for i, sigma in enumerate(np.linspace(0.05, 0.5, _DRAWN)):
        yield _film(f"noise-{i}", 0.5 + rng.normal(size=(256, 256)) * sigma)


if __name__ == "__main__":
    main()
