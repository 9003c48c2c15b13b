"""docs/images/thesis-roc.png and thesis-losses.png, the thesis's figures 5.2 and 5.3, from a committed row."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from studies.adversarial.arms import PLOTTED, WIDE_PLOTTED
from studies.adversarial.page import LOSSES, ROC
from studies.pages.budgets import spent
from studies.row_files import read_row
from studies.rows import Row
from unseen.evaluation.intervals import interval_text as figure

ROOT = Path(__file__).resolve().parents[2]
BLUE, ORANGE = "#0072b2", "#e69f00"  # told apart by the colour-blind


def rates(row: Row) -> Figure:
    """Draw the ROC curves at the best and at the last epoch."""
    drawn, axis = plt.subplots(figsize=(5, 4.6), layout="constrained")
    for name, words, colour in (
        ("best_epoch", f"best epoch, {row['chosen']['epoch']}", BLUE),
        ("last_epoch", f"last epoch, {row['epochs']}", ORANGE),
    ):
        false, true = row["roc"][name]
        axis.plot(false, true, color=colour, label=f"{words}: {figure(row['auroc'][name])}")
    axis.plot([0, 1], [0, 1], ":", color="0.6", linewidth=0.8)
    axis.set(xlabel="false positive rate", ylabel="true positive rate", aspect="equal")
    axis.legend(loc="lower right", frameon=False, fontsize="small", title="AUROC [95 %]")
    return _titled(drawn, row)


def losses(row: Row) -> Figure:
    """Draw the mean loss of each epoch of the generator and of the discriminator."""
    drawn, axes = plt.subplots(1, 2, figsize=(8, 4), layout="constrained")
    for axis, name, words, colour in zip(
        axes, ("curve", "discriminator"), ("generator", "discriminator"), (BLUE, ORANGE), strict=True
    ):
        values = row[name]
        axis.plot(range(1, len(values) + 1), values, color=colour)
        axis.set(xlabel="epoch", ylabel=f"{words}: mean loss of the epoch", ylim=(0, None))
        axis.spines[["top", "right"]].set_visible(False)
    return _titled(drawn, row)


def _titled(drawn: Figure, row: Row) -> Figure:
    drawn.suptitle(f"{row['method']}: {spent(row)}", fontsize="small")
    return drawn


def main() -> None:
    """Draw both figures into the docs."""
    rows = ROOT / "studies" / "results"
    row = read_row(WIDE_PLOTTED, rows) or read_row(PLOTTED, rows)
    if row is None:
        raise SystemExit(f"no row {PLOTTED} yet; run python -m studies.adversarial --only norms")
    for path, made in ((ROC, rates(row)), (LOSSES, losses(row))):
        target = ROOT / "docs" / path
        made.savefig(target, dpi=130)
        print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
