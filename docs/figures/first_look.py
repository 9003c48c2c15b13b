"""The README's image: a phantom film with a lesion, the anomaly map, and its score among normal films.

    python docs/figures/first_look.py          writes docs/images/first-look.png

Phantoms only, seeds fixed. The film is the first with a moderate lesion (middle third of its sizes) of `KIND` that
`SEED` gives.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import unseen as un

PICTURE = Path(__file__).parents[1] / "images" / "first-look.png"
MODEL = "models/phantom-screener"
KIND = "consolidation"
SEED = 11


def main() -> None:
    model = un.detectors.load(MODEL)
    assert model.card is not None
    pairs = un.data.phantoms.twins(20, seed=SEED, contrast="moderate")
    film = next(film for film in pairs if film.columns["kind"] == KIND)
    (finding,) = model.score([film])
    assert isinstance(finding, un.detectors.Finding) and film.lesion is not None

    figure, axes = plt.subplots(1, 3, figsize=(11.4, 3.7), layout="constrained", width_ratios=[1, 1, 1.25])
    axes[0].imshow(film.pixels, cmap="gray", vmin=0, vmax=1)
    axes[0].set_title(f"Simulated film with a {KIND}", fontsize=11)
    axes[1].imshow(film.pixels, cmap="gray", vmin=0, vmax=1)
    axes[1].imshow(finding.anomaly_map, cmap="inferno", alpha=np.clip(finding.anomaly_map, 0, 1), vmin=0, vmax=1)
    axes[1].contour(finding.viewed.on_grid(film.lesion), levels=[0.5], colors="tab:cyan", linewidths=1)
    axes[1].set_title("Anomaly map, true outline in blue", fontsize=11)
    for axis in axes[:2]:
        axis.set_xticks([])
        axis.set_yticks([])
    axes[2].hist(model.card.normal_scores, bins=30, color="0.7", label=f"{len(model.card.normal_scores)} normal films")
    axes[2].axvline(finding.score, color="tab:orange", linewidth=2, label="this film")
    words = finding.percentile_in_words.replace(" of ", "\nof ", 1).replace(" that ", "\nthat ", 1)
    axes[2].set_title(words.capitalize(), fontsize=11)
    axes[2].set_xlabel("score of phantom-screener", fontsize=11)
    axes[2].set_ylabel("films", fontsize=11)
    axes[2].legend(fontsize=10, frameon=False)
    for side in ("top", "right"):
        axes[2].spines[side].set_visible(False)
    figure.text(0.005, 0.005, "Research use only. Not a medical device. Not for diagnosis.", fontsize=7, color="0.4")
    figure.savefig(PICTURE, dpi=110, metadata={"Software": None})
    print(f"{PICTURE.name}: {finding.percentile_in_words}")


if __name__ == "__main__":
    main()
