"""docs/images/sensing-theorems.png: how many measurements a toy model needs, and how many the theorems ask for.

The model is a subspace of dimension k in n dimensions, so that all that measurements say of it can be computed. What
they leave possible is the space of all x whose A_g x lies in the A_g of the model, for every g. Images are learnable
where that is the model itself and A is one to one on it.

    python docs/figures/sensing_theorems.py
"""

from __future__ import annotations

from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[2]
N, ORDER, DRAWS = 24, 6, 5  # numbers in an image, operators or elements, models and operators drawn for each (k, m)
MULTIPLICITY = N // ORDER  # of each irreducible representation of shifts by N / ORDER
LEARNABLE, NOT, LINE, WEAKER = "#009e73", "0.9", "#0072b2", "#d55e00"

Matrix = NDArray[np.float64]


def left_possible(model: Matrix, operators: list[Matrix]) -> int:
    """Return the dimension of the x with A_g x in A_g · model for every g.

    Args:
        model: (n, k), a basis.
        operators: each (m, n).
    """
    complements = []
    for A in operators:
        seen, singular, _ = np.linalg.svd(A @ model, full_matrices=False)
        seen = seen[:, singular > 1e-9 * singular[0]]
        complements.append(A - seen @ (seen.T @ A))
    return len(model) - int(np.linalg.matrix_rank(np.concatenate(complements), tol=1e-8))


def learnable(model: Matrix, operators: list[Matrix]) -> bool:
    k = model.shape[1]
    one_to_one = all(np.linalg.matrix_rank(A @ model, tol=1e-8) == k for A in operators)
    return one_to_one and left_possible(model, operators) == k


def shift(steps: int) -> Matrix:
    return np.roll(np.eye(N), steps, axis=0)


def invariant_model(k: int, rng: np.random.Generator) -> Matrix | None:
    """Return a random subspace of dimension k that shifts by N / ORDER leave as it is; None where a choice misses k."""
    parts: list[Matrix] = []
    while sum(part.shape[1] for part in parts) < k:
        j = rng.integers(0, ORDER // 2 + 1)
        x = rng.standard_normal(N)
        angles = 2 * np.pi * j * np.arange(ORDER) / ORDER
        orbit = np.stack([shift(-s * N // ORDER) @ x for s in range(ORDER)], axis=1)
        parts.append(
            orbit @ (np.stack([np.cos(angles), np.sin(angles)], axis=1) if 2 * j % ORDER else np.cos(angles)[:, None])
        )
    basis, singular, _ = np.linalg.svd(np.concatenate(parts, axis=1), full_matrices=False)
    basis = basis[:, singular > 1e-9 * singular[0]]
    return basis if basis.shape[1] == k else None


def several_operators(k: int, m: int, rng: np.random.Generator) -> bool:
    return learnable(rng.standard_normal((N, k)), [rng.standard_normal((m, N)) for _ in range(ORDER)])


def one_operator_and_shifts(k: int, m: int, rng: np.random.Generator) -> bool:
    model = None
    while model is None:
        model = invariant_model(k, rng)
    A = rng.standard_normal((m, N))
    return learnable(model, [A @ shift(s * N // ORDER) for s in range(ORDER)])


def main() -> None:
    rng = np.random.default_rng(0)
    dimensions, measured = np.arange(1, 13), np.arange(1, N + 1)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.6), sharey=True, layout="constrained")
    panels = (
        (several_operators, f"{ORDER} operators", dimensions + N / ORDER, "m = k + n/|G|"),
        (
            one_operator_and_shifts,
            f"1 operator, {ORDER} shifts",
            2 * dimensions + MULTIPLICITY + 1,
            "m = 2k + max c + 1",
        ),
    )
    for axis, (trial, title, bound, formula) in zip(axes, panels, strict=True):
        share = np.array(
            [[np.mean([trial(int(k), int(m), rng) for _ in range(DRAWS)]) for k in dimensions] for m in measured]
        )
        promised = measured[:, None] > bound[None]
        if not (share[promised] == 1).all():
            raise SystemExit(f"{title}: the theorem promises what was not found")
        colours = matplotlib.colors.LinearSegmentedColormap.from_list("learnable", [NOT, LEARNABLE])
        axis.pcolormesh(dimensions, measured, share, cmap=colours, vmin=0, vmax=1, edgecolor="white", linewidth=0.5)
        axis.plot(dimensions, bound, color=LINE, linewidth=2, label=f"sufficient above {formula}")
        axis.axhline(N / ORDER, color=WEAKER, linestyle="--", label="necessary: m ≥ n/|G|")
        axis.set(title=title, xlabel="k, dimension of the model", xlim=(0.5, 12.5), ylim=(0.5, N + 0.5))
        axis.legend(loc="lower right", frameon=True)
    axes[0].set_ylabel(f"m, measurements of n = {N} numbers")
    target = ROOT / "docs" / "images" / "sensing-theorems.png"
    figure.savefig(target, dpi=130)
    print(f"wrote {target.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
