"""Figures of the methods pages: one matched pair, and what each family of detectors makes of it.

    python docs/figures/families.py            writes docs/images/families/*.png (some minutes)
    python docs/figures/families.py linear     one family

Phantoms only, seeds fixed; each detector learns the same normal phantoms, with few epochs. Top row: the film without
the lesion, its reconstruction where the method has one, its map. Bottom row: the same with the lesion.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import unseen as un

FOLDER = Path(__file__).parents[1] / "images" / "families"
FINDER = "models/ensemble-five"  # whose lung finder keeps lesions inside
EPOCHS = 12
FAMILIES: dict[str, tuple[type[un.detectors.Detector], ...]] = {
    "linear": (un.detectors.Pca, un.detectors.Dct),
    "features": (un.detectors.FeaturePca, un.detectors.Padim),
    "synthetic": (un.detectors.AnatPaste, un.detectors.PatchMemory),
    "autoencoders": (un.detectors.AeSsim, un.detectors.Dae),
    "gans": (un.detectors.Ganomaly, un.detectors.RoiSure),
    "ensembles": (un.detectors.Ensemble,),  # of pca and dct
}


def main(families: list[str]) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    normals = list(un.data.phantoms.normals(220, seed=1))
    pair = un.data.phantoms.twins(1, seed=2, contrast="obvious")
    for family in families or FAMILIES:
        draw(family, normals, list(pair))


def scored(model: un.detectors.Detector, films: list[un.data.Film]) -> list[un.detectors.Finding]:
    findings = [found for found in model.score(films) if isinstance(found, un.detectors.Finding)]
    assert len(findings) == len(films)
    return findings


def draw(family: str, normals: list[un.data.Film], pair: list[un.data.Film]) -> None:
    findings = {method.key: scored(fitted(method, normals), pair) for method in FAMILIES[family]}
    rebuilds = {key: found[0].reconstruction is not None for key, found in findings.items()}
    across = 1 + len(findings) + sum(rebuilds.values())
    figure, axes = plt.subplots(2, across, figsize=(2.1 * across, 4.6), layout="constrained")
    column = 1
    for key, found in findings.items():
        top = max(float(np.quantile(finding.anomaly_map, 0.999)) for finding in found)
        for row, finding in enumerate(found):
            inside = finding.viewed.inside[0].numpy()
            if finding.reconstruction is not None:
                rebuilt = np.where(inside, finding.reconstruction, np.nan)
                axes[row, column].imshow(rebuilt, cmap="gray", vmin=-1, vmax=1)
                axes[row, column].set_title(f"{key}: reconstruction", fontsize=9)
            marks = axes[row, column + rebuilds[key]]
            marks.imshow(np.where(inside, finding.anomaly_map, np.nan), cmap="inferno", vmin=0, vmax=top)
            marks.set_title(f"{key}: score {finding.score:.3g}", fontsize=9)
        column += 1 + rebuilds[key]
    for row, film in enumerate(pair):
        axes[row, 0].imshow(film.pixels, cmap="gray", vmin=0, vmax=1)
        if film.lesion is not None and film.lesion.any():
            axes[row, 0].contour(film.lesion, levels=[0.5], colors="tab:orange", linewidths=0.8)
        kind = film.columns["kind"]
        axes[row, 0].set_title("no lesion" if kind == "none" else kind, fontsize=9)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_facecolor("0.93")
    figure.savefig(FOLDER / f"{family}.png", dpi=110, metadata={"Software": None})
    plt.close(figure)


def fitted(method: type[un.detectors.Detector], normals: list[un.data.Film]) -> un.detectors.Detector:
    return method(size=64).fit(normals, finder=FINDER, training=un.training.Training(epochs=EPOCHS, threads=1))


if __name__ == "__main__":
    main(sys.argv[1:])
