"""The README's image: a phantom film, its reconstruction, the anomaly map, and its score among unseen normals.

    python docs/figures/first_look.py          writes docs/images/first-look.png

Phantoms only, seeds fixed. The film is the first obvious lesion (upper third of its sizes) of `KIND` that `SEED` gives:
small lesions are missed at 64 px, see the results by contrast.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import unseen as un

PICTURE = Path(__file__).parents[1] / "images" / "first-look.png"
KIND = "consolidation"
SEED = 11
FINDER = "models/ensemble-five"  # whose lung finder keeps lesions inside


def main() -> None:
    learnt = un.data.phantoms.normals(200, seed=1)
    detector = un.detectors.Pca(size=64).fit(learnt, finder=FINDER)
    normals = np.array([finding.score for finding in detector.score(un.data.phantoms.normals(200, seed=2))])
    abnormals = (film for film in un.data.phantoms.twins(50, seed=SEED) if film.label == "abnormal")
    film = next(film for film in abnormals if film.columns["kind"] == KIND and film.columns["contrast"] == "obvious")
    (finding,) = detector.score([film])

    figure, axes = plt.subplots(1, 4, figsize=(12.8, 3.5), layout="constrained", width_ratios=[1, 1, 1, 1.25])
    axes[0].imshow(film.pixels, cmap="gray", vmin=0, vmax=1)
    axes[0].contour(film.lesion, levels=[0.5], colors="tab:orange", linewidths=0.8)
    top, left, bottom, right = finding.viewed.box
    axes[0].plot([left, right, right, left, left], [top, top, bottom, bottom, top], color="tab:cyan", linewidth=0.6)
    axes[0].set_title(f"Phantom film with a {KIND}", fontsize=10)
    inside = finding.viewed.inside[0].numpy()
    axes[1].imshow(np.where(inside, finding.reconstruction, np.nan), cmap="gray", vmin=-1, vmax=1)
    axes[1].set_title("Its lungs, rebuilt from normals", fontsize=10)
    axes[2].imshow(np.where(inside, finding.anomaly_map, np.nan), cmap="inferno")
    axes[2].contour(finding.viewed.on_grid(film.lesion), levels=[0.5], colors="tab:orange", linewidths=0.8)
    axes[2].set_title("Anomaly map", fontsize=10)
    for axis in axes[:3]:
        axis.set_xticks([])
        axis.set_yticks([])
        axis.set_facecolor("0.93")
    axes[3].hist(normals, bins=30, color="0.7", label="normal phantoms")
    axes[3].axvline(finding.score, color="tab:orange", label="this film")
    share = float((normals < finding.score).mean())
    place = f"above {share:.0%} of" if share < 1 else "above all of"
    axes[3].set_title(f"Its score: {place} {len(normals)} normals", fontsize=10)
    axes[3].set_xlabel("score of pca, 64 px")
    axes[3].locator_params(axis="x", nbins=4)
    axes[3].set_ylabel("films")
    axes[3].legend(fontsize=8, frameon=False)
    for side in ("top", "right"):
        axes[3].spines[side].set_visible(False)
    figure.text(0.005, 0.005, "Research use only. Not a medical device. Not for diagnosis.", fontsize=6, color="0.4")
    PICTURE.parent.mkdir(exist_ok=True)
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})
    print(f"{PICTURE.relative_to(Path.cwd())}: score {place} {len(normals)} normals")


if __name__ == "__main__":
    main()
