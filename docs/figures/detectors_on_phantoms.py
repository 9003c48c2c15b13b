"""docs/images/detectors/phantoms.png: what every detector marks on the same ten phantoms.

Two normal pictures, then each kind of lesion moderate and obvious. First row: the lung crop, the lesion outlined. Then
a row for each recipe with a row of phantom twins, the best first, drawn from its run; maps are scaled by the 99.5th
percentile of the recipe's own ten. Phantoms only: no patient's film is in the picture.
"""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from unseen.artifacts import recipe as recipes
from unseen.data.film import Film
from unseen.data.phantoms.lesion_ranges import KINDS
from unseen.data.phantoms.sequences import twins
from unseen.detectors.detector import Finding
from unseen.detectors.saved import load
from unseen.experiments.detectors.development import RECIPES, TWINS, on_phantoms
from unseen.experiments.running import run_of

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "docs" / "images" / "detectors" / "phantoms.png"
SEED = 8  # not that of the tested twins
CONTRASTS = ("moderate", "obvious")


def ten() -> list[tuple[str, Film]]:
    """The pictures and what is written over them."""
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


def main() -> None:
    rows = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((ROOT / "results" / TWINS).glob("*.json"))]
    rows.sort(key=lambda row: -row["metrics"]["auroc"]["pooled"]["value"])
    if not rows:
        raise SystemExit("no row of phantom twins yet: python -m unseen.experiments.detectors --only twins")
    shown = ten()
    figure, axes = plt.subplots(
        1 + len(rows), len(shown), figsize=(1.1 * len(shown) + 1.6, 1.1 * (1 + len(rows)) + 0.4), layout="constrained"
    )
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for number, row in enumerate(rows, start=1):
        name = row["recipe"].removeprefix(TWINS)
        run, _ = run_of(on_phantoms(recipes.load(RECIPES + name)))
        found = [one for one in load(run.bundle).score([film for _, film in shown]) if isinstance(one, Finding)]
        top = np.percentile(np.stack([one.anomaly_map for one in found]), 99.5)
        for axis, one in zip(axes[number], found, strict=True):
            axis.imshow(one.anomaly_map, cmap="magma", vmin=0, vmax=top)
        axes[number, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        if number == 1:
            for axis, (words, film), one in zip(axes[0], shown, found, strict=True):
                axis.imshow(one.viewed.image[0], cmap="gray", vmin=-1, vmax=1)
                axis.set_title(words, fontsize=8)
                if film.lesion is not None and film.lesion.any():
                    axis.contour(
                        one.viewed.on_grid(film.lesion.astype(np.float32)), [0.5], colors="#e69f00", linewidths=1
                    )
    OUT.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(OUT, dpi=90)
    print("wrote", OUT.relative_to(ROOT))


if __name__ == "__main__":
    main()
