"""docs/images/detectors/phantoms/: what every detector marks on the same ten phantoms, a strip for each.

Two normal images, then each kind of lesion moderate and obvious: `lung-crops.png` is what the best of the recipes
sees of them, the lesion outlined. A recipe with a row of phantom twins is drawn from the run of that row, its maps
scaled by the 99.5th percentile of its own ten; a strip whose run is not under `$UNSEEN_RUNS` stays as it is. Phantoms
only: no patient's film is in the images.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from studies.detectors.development import RECIPES, TWINS
from studies.pages.cells import pooled_auroc
from studies.row_files import read_study
from unseen.artifacts.files import replacing
from unseen.artifacts.run_folder import Run
from unseen.data.film import Film
from unseen.data.phantoms.lesion_ranges import KINDS
from unseen.data.phantoms.sequences import twins
from unseen.detectors.finding import Finding
from unseen.detectors.saved import load

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images" / "detectors" / "phantoms"
SEED = 8  # not that of the tested twins
CONTRASTS = ("moderate", "obvious")
SIDE, GAP, WORDS = 94, 8, 32  # pixels: of an image, between two, and over them
DPI = 90


def ten() -> list[tuple[str, Film]]:
    """Return the images and what is written over them."""
    films = list(twins(60, seed=SEED))
    ill = [film for film in films if film.label == "abnormal"]
    found = [("normal", film) for film in films if film.label == "normal"][:2]
    for kind in KINDS:
        for contrast in CONTRASTS:
            found.append(
                (
                    f"{kind},\n{contrast}",
                    next(f for f in ill if (f.columns["kind"], f.columns["contrast"]) == (kind, contrast)),
                )
            )
    return found


def strip(count: int, *, over: int = 0) -> tuple[Figure, list[Axes]]:
    """`count` square images side by side, with `over` pixels of room above them."""
    width, height = count * SIDE + (count - 1) * GAP, SIDE + over
    figure = plt.figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    left = [number * (SIDE + GAP) / width for number in range(count)]
    axes = [figure.add_axes((x, 0, SIDE / width, SIDE / height)) for x in left]
    for axis in axes:
        axis.set_xticks([])
        axis.set_yticks([])
    return figure, axes


def save(figure: Figure, name: str) -> None:
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    plt.close(figure)
    OUT.mkdir(parents=True, exist_ok=True)
    with replacing(OUT / f"{name}.png") as temporary:
        drawn.quantize(256).save(temporary, format="png", optimize=True)  # two fifths of the bytes, and no eye can tell
    print("wrote", (OUT / f"{name}.png").relative_to(ROOT))


def lung_crops(shown: list[tuple[str, Film]], found: list[Finding]) -> None:
    figure, axes = strip(len(shown), over=WORDS)
    for axis, (words, film), one in zip(axes, shown, found, strict=True):
        axis.imshow(one.viewed.image[0].numpy(), cmap="gray", vmin=-1, vmax=1)
        axis.set_title(words, fontsize=8)
        if film.lesion is not None and film.lesion.any():
            axis.contour(one.viewed.on_grid(film.lesion.astype(np.float32)), [0.5], colors="#e69f00", linewidths=1)
    save(figure, "lung-crops")


def maps(name: str, found: list[Finding]) -> None:
    figure, axes = strip(len(found))
    top = np.percentile(np.stack([one.anomaly_map for one in found]), 99.5)
    for axis, one in zip(axes, found, strict=True):
        axis.imshow(one.anomaly_map, cmap="magma", vmin=0, vmax=float(top))
    save(figure, name)


def main() -> None:
    known = read_study("detectors", ROOT / "studies" / "results")
    rows = [row for name, row in known.items() if name.startswith(TWINS)]
    if not rows:
        raise SystemExit("no row of matched pairs yet: python -m studies.detectors --only twins")
    best = max(rows, key=pooled_auroc)
    shown = ten()
    for row in rows:
        name = row["recipe"].removeprefix(TWINS)
        run = Run.named(RECIPES + name, fold=None, seed=row["seed"], digest=row["recipe_digest"])
        if not run.bundle.is_dir():
            print(f"{name}: no run at {run.folder}; its strip stays as it is")
            continue
        found = [one for one in load(run.bundle).score([film for _, film in shown]) if isinstance(one, Finding)]
        maps(name, found)
        if row is best:
            lung_crops(shown, found)


if __name__ == "__main__":
    main()
