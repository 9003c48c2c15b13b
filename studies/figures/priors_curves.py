"""docs/images/priors/curves.png: PSNR against the number of measurements, from the committed rows."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from studies.priors.page import write_page
from studies.row_files import read_study

ROOT = Path(__file__).resolve().parents[2]
SHOWN = (
    "brain-mri",
    "digits-compressed-sensing",
    "digits-tomography",
    "shapes-compressed-sensing",
    "shapes-tomography",
)
METHODS = {  # colours told apart by the colour-blind
    ("direct", ""): ("A†", "0.55", ":"),
    ("tv", ""): ("TV", "#000000", "--"),
    ("range", "vae"): ("range VAE", "#0072b2", "-"),
    ("soft", "vae"): ("soft VAE", "#e69f00", "-"),
    ("sparse", "vae"): ("sparse VAE", "#009e73", "-"),
}


def main() -> None:
    from studies.priors.problems import named

    rows = list(read_study("priors", ROOT / "studies" / "results").values())
    shown = [name for name in SHOWN if len({row["level"] for row in rows if row["problem"] == name}) > 1]
    if not shown:
        raise SystemExit("no problem has rows at two levels yet")
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(4.2 * columns, 3.4 * lines), layout="constrained", squeeze=False
    )
    for axis in axes.flat[len(shown) :]:
        axis.axis("off")
    for axis, name in zip(axes.flat, shown, strict=False):
        problem = named(name)
        for (method, kind), (label, colour, style) in METHODS.items():
            some = {
                row["level"]: row["metrics"]["psnr"]
                for row in rows
                if (row["problem"], row["method"], row["generator"]) == (name, method, kind)
            }
            levels = [level for level in problem.levels if level in some]
            x = [int(level.split()[0]) for level in levels]
            axis.plot(x, [some[level]["value"] for level in levels], style, marker=".", color=colour, label=label)
            axis.fill_between(
                x,
                [some[level]["low"] for level in levels],
                [some[level]["high"] for level in levels],
                color=colour,
                alpha=0.12,
            )
        axis.set_xscale("log")
        axis.set_xticks(x, [str(value) for value in x])
        axis.minorticks_off()
        axis.set_title(problem.words, fontsize=9)
        axis.set_xlabel(levels[0].split()[1])
        axis.spines[["top", "right"]].set_visible(False)
    axes[0][0].set_ylabel("PSNR, dB")
    axes[0][0].legend(frameon=False, fontsize=8)
    target = ROOT / "docs" / "images" / "priors" / "curves.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    print(f"wrote {target.relative_to(ROOT)}")
    print("rendered", write_page(ROOT / "studies" / "results", docs=ROOT / "docs"))


if __name__ == "__main__":
    main()
