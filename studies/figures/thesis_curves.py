"""docs/images/thesis-curves.png: AUROC and the cosine between the encoders by epoch, from the committed rows."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from studies.row_files import read_study

ROOT = Path(__file__).resolve().parents[2]
WIDE = 64  # features: the thesis's width
ORDER = ("ganomaly", "roi-oracle", "roi-sure", "ganomaly-sure")
COLOURS = dict(zip(ORDER, ("#0072b2", "#e69f00", "#009e73", "#cc79a7"), strict=True))  # told apart by the colour-blind


def main() -> None:
    found = read_study("thesis", ROOT / "studies" / "results").values()
    rows = sorted((row for row in found if "by_epoch" in row), key=lambda row: ORDER.index(row["method"]))
    if not rows:
        raise SystemExit("no row of the thesis's protocol has a curve yet")
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(8, 6.4), sharex=True, layout="constrained")
    for row in rows:
        epochs = range(1, row["epochs_done"] + 1)
        colour = COLOURS[row["method"]]
        style = "-" if row["features"] == WIDE else ":"
        label = f"{row['method']}, {row['features']} features"
        upper.plot(epochs, row["by_epoch"]["auroc"], style, color=colour, label=label)
        best = row["chosen"]["epoch"]
        upper.plot(best, row["chosen"]["best_epoch_auroc"], "o", color=colour)
        lower.plot(epochs, row["by_epoch"]["cosine"], style, color=colour)
    upper.axhline(0.5, color="0.6", linewidth=0.8, linestyle=":")
    upper.set_ylabel("AUROC on the 35 + 35 test films")
    figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize="small")
    lower.set_ylabel("cosine of the encoders' weights")
    lower.set_xlabel("epoch (dots: the best one, chosen on the test films)")
    for axis in (upper, lower):
        axis.spines[["top", "right"]].set_visible(False)
    target = ROOT / "docs" / "images" / "thesis-curves.png"
    figure.savefig(target, dpi=130)
    print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
