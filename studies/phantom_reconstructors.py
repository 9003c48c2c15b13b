"""The reconstructors that ship for the phantoms: `python -m studies.phantom_reconstructors train`, `measure`, `page`.

Three networks learn from measurements of simulated chest films alone: inpainting by equivariant imaging, tomography by
robust equivariant imaging, denoising by SURE. `train` writes `models/phantom-inpainting`, `phantom-ct` and
`phantom-denoiser` into the library and resumes from `$UNSEEN_RUNS`. `measure` writes a row for each, and the table of
`docs/results-phantom-screener.md`: PSNR next to A†y and total variation on films that nothing was learnt from or chosen
by. `page` writes the table from the rows alone.

Choices are made on films of seed 4911 (`--development`, which writes no row).
"""

from __future__ import annotations

import argparse
import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from studies.pages.cells import put_between, table
from studies.row_files import read_study, write_row
from studies.rows import Row
from unseen import __version__
from unseen.artifacts.bundle import card_of
from unseen.artifacts.run_folder import runs_root
from unseen.data import phantoms
from unseen.evaluation.intervals import interval_text
from unseen.evaluation.psnr_ssim import psnr
from unseen.physics.gaussian_noise import Gaussian
from unseen.physics.group import Group
from unseen.physics.groups.rotations import Rotations
from unseen.physics.groups.shifts import Shifts
from unseen.physics.identity import Identity
from unseen.physics.measurement import Measurement
from unseen.physics.operator import Mask
from unseen.physics.tomography import Tomography
from unseen.reconstruction.artifact_removal import ArtifactRemoval
from unseen.reconstruction.direct_methods import pseudo_inverse, total_variation
from unseen.reconstruction.learning import learn
from unseen.reconstruction.saved import load
from unseen.training.settings import Training

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "src" / "unseen" / "phantom_models"
PAGE = ROOT / "docs" / "results-phantom-screener.md"
BEGIN, END = "<!-- phantom reconstructors table -->", "<!-- end of the phantom reconstructors table -->"
SIZE = 64
TRAIN, CHOSEN_BY, TEST = 4910, 4911, 5110
"""Seeds of the films. 5110 is used once, for the rows."""
FILMS, TESTED = 500, 40
FEATURES, SOURCE_FEATURES = 8, 64
"""Width of our networks, and of those of EI and REI."""


@dataclass(frozen=True, kw_only=True)
class ReconstructorRecipe:
    """Recipe of a shipped reconstructor: measurement of films, and training on the measurements."""

    process: Callable[[], Measurement]
    losses: str
    group: Group | None
    epochs: int
    depth: int
    learning_rate: float = 5e-4
    hold_out: float | None = None


def _inpainting() -> Measurement:
    return Measurement(Mask(torch.rand(1, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) < 0.5))


def _ct() -> Measurement:
    angles = torch.arange(20, dtype=torch.float64) * 180 / 20
    A = Tomography(SIZE, angles, pixel_size=1 / SIZE)
    return Measurement(A, noise=Gaussian(0.02 * float(A.norm())))


def _denoising() -> Measurement:
    return Measurement(Identity((1, SIZE, SIZE)), noise=Gaussian(0.1))


RECIPES = {
    "phantom-inpainting": ReconstructorRecipe(process=_inpainting, losses="ei", group=Shifts(), epochs=40, depth=3),
    "phantom-ct": ReconstructorRecipe(process=_ct, losses="rei", group=Rotations(), epochs=40, depth=3),
    "phantom-denoiser": ReconstructorRecipe(
        process=_denoising, losses="sure", group=None, epochs=30, depth=2, learning_rate=1e-4, hold_out=0.0
    ),
}


_NOISELESS_WEIGHT = 1e-3  # of total variation where no noise sets it
_WORDS = {
    "phantom-inpainting": "half of the pixels, by equivariant imaging (EI)",
    "phantom-ct": "20 views with noise, by robust equivariant imaging (REI)",
    "phantom-denoiser": "noise of σ = 0.1, by SURE",
}


def films(number: int, *, seed: int) -> Tensor:
    """Simulated normal films, (number, 1, SIZE, SIZE) in [0, 1]."""
    drawn = phantoms.normals(number, seed=seed, size=SIZE)
    return torch.from_numpy(np.stack([film.pixels for film in drawn]))[:, None]


def measurements(name: str, number: int, *, seed: int) -> tuple[Tensor, Tensor, Measurement]:
    """Films, their measurements and the process."""
    process, x = RECIPES[name].process(), films(number, seed=seed)
    return x, process(x, generator=torch.Generator().manual_seed(seed)), process


def train(name: str) -> None:
    """Learn one of them and write its bundle."""
    recipe = RECIPES[name]
    _, y, process = measurements(name, FILMS, seed=TRAIN)
    f = learn(
        y,
        process,
        losses=recipe.losses,
        group=recipe.group,
        network=ArtifactRemoval.for_process(process, features=FEATURES, depth=recipe.depth),
        training=Training(epochs=recipe.epochs, batch_size=4, seed=0, threads=1, device="cpu"),
        learning_rate=recipe.learning_rate,
        hold_out=recipe.hold_out,
        milestones=(recipe.epochs * 3 // 4,),
        folder=runs_root() / name,
    )
    data = f"measurements of {FILMS} simulated normal films at {SIZE} px (seed {TRAIN}); no film of a person"
    card = f.save(FOLDER / name, data=data, licence="Apache-2.0")
    print(f"{name}: {card.weights_sha256[:16]}")


def measured(name: str, *, seed: int) -> dict[str, object]:
    """PSNR in dB on further films: of the network, of A†y, and of total variation, with 95 % bootstrap intervals."""
    f = load(FOLDER / name)
    x, y, process = measurements(name, TESTED, seed=seed)
    with torch.inference_mode():
        images = {"network": f(y), "A†": pseudo_inverse(y, process)}
    images["TV"] = total_variation(y, process, weight=None if process.noise is not None else _NOISELESS_WEIGHT)
    return {method: _mean(psnr(image.clone(), x)) for method, image in images.items()}


def _mean(values: Tensor) -> dict[str, float]:
    found, rng = values.double().numpy(), np.random.default_rng(0)
    draws = found[rng.integers(0, len(found), (2000, len(found)))].mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    return {"value": round(float(found.mean()), 3), "low": round(float(low), 3), "high": round(float(high), 3)}


def measure(name: str, rows: Path) -> None:
    """Write the row of one of them."""
    card = card_of(FOLDER / name)
    row: Row = {
        "recipe": f"phantom_reconstructors/{name}",
        "seed": TEST,
        "weights": card.weights_sha256,
        "films": TESTED,
        "trained_on_films": FILMS,
        "epochs": RECIPES[name].epochs,
        "psnr": measured(name, seed=TEST),
        "version": __version__,
        "device": platform.processor() or platform.machine(),
        "date": datetime.now(UTC).date().isoformat(),
    }
    print(write_row(row, rows), row["psnr"])


def _spent(name: str, row: Row) -> str:
    """Return the training of a reconstructor next to the source's width."""
    recipe = RECIPES[name]
    width = f" of the source's {SOURCE_FEATURES}" if recipe.group is not None else ""
    turns = "; 1 transform" if recipe.group is not None else ""
    return f"{row['epochs']} epochs of {row['trained_on_films']} films at {SIZE} px; {FEATURES}{width} features{turns}"


def page_table(rows: Path) -> str:
    """Return a line for each reconstructor, with its training."""
    methods = ("A†", "TV", "network")
    return table(
        ["", *methods, "training"],
        [
            [
                f"`models/{name}`, {_WORDS[name]}",
                *(interval_text(row["psnr"][method]) for method in methods),
                _spent(name, row),
            ]
            for name in RECIPES
            if (row := read_study("phantom_reconstructors", rows).get(f"phantom_reconstructors/{name}-{TEST}"))
        ],
    )


def main() -> None:
    """Run one step for one reconstructor, or for all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["train", "measure", "page"])
    parser.add_argument("names", nargs="*", default=list(RECIPES), help="of the reconstructors; by default all")
    parser.add_argument("--development", action="store_true", help="measure on the seed of the choices, without a row")
    parser.add_argument("--rows", type=Path, default=ROOT / "studies" / "results")
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.names if given.step != "page" else ():
        if given.step == "train":
            train(name)
        elif given.development:
            print(name, measured(name, seed=CHOSEN_BY))
        else:
            measure(name, given.rows)
    if given.step == "page" or (given.step == "measure" and not given.development):
        put_between(PAGE, BEGIN, END, page_table(given.rows))


if __name__ == "__main__":
    main()
