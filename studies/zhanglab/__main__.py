"""`python -m studies.zhanglab`: detectors of ZhangLab's normal films, cross-validated on its training split.

Recipes are chosen by synthetic lesions alone (`films.LESIONS`). No abnormal film is used to fit or to choose. Exact
duplicates are dropped. Folds are assigned by patient; fold 0 is for choosing, and folds 1 to 4 are tested. Each run on
a recipe and a seed is one look at its figures on real films, and its row counts them.

python -m studies.zhanglab                     the candidates on frozen features (minutes, once the features are kept)
python -m studies.zhanglab entry --seeds 0 1 2 the entry: four trainings for each seed, one for the synthetic lesions
python -m studies.zhanglab ensemble-five       the recipe of `ms_cxr`, with the lung finder of its model (hours)
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import cache

from studies.row_files import add_rows_option, read_row, write_row
from studies.zhanglab.candidates import CANDIDATES, candidate_row, zhanglab
from studies.zhanglab.figures_on_films import ALIKE
from studies.zhanglab.trained import TRAINED, trained_row
from unseen.artifacts.run_folder import runs_root
from unseen.evaluation.intervals import interval_text as figure


def main(arguments: Iterable[str] | None = None) -> None:
    """Compute the rows, print their figures and write them."""
    parser = argparse.ArgumentParser(prog="python -m studies.zhanglab", description=__doc__.splitlines()[0])
    parser.add_argument(
        "recipes",
        nargs="*",
        metavar="RECIPE",
        help=f"of {', '.join([*CANDIDATES, *TRAINED])} (default: all that are not trained by epochs)",
    )
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="seeds of the trained recipes (default: 0)")
    add_rows_option(parser)
    given = parser.parse_args(None if arguments is None else list(arguments))
    if unknown := [name for name in given.recipes if name not in {**CANDIDATES, **TRAINED}]:
        parser.error(f"no recipe {', '.join(unknown)}; choose from {', '.join([*CANDIDATES, *TRAINED])}")
    root = runs_root()
    films = cache(zhanglab)
    for name in given.recipes or CANDIDATES:
        for seed in given.seeds if name in TRAINED else [0]:
            first = read_row(f"zhanglab/{name}-0", given.rows) or {}
            before = read_row(f"zhanglab/{name}-{seed}", given.rows)
            looks = 1 if before is None else int(before["looks"]) + 1
            if name in TRAINED:
                synthetic = None if seed == 0 else first.get("synthetic")
                row = trained_row(name, root, seed=seed, looks=looks, synthetic=synthetic)
            else:
                row = candidate_row(name, films(root), looks=looks)
            print("wrote", write_row(row, given.rows), flush=True)
            alike = ", ".join(f"{one.replace('_', ' ')} {figure(row['like_pairs'][one])}" for one in ALIKE)
            print(f"{name}, seed {seed}: {figure(row['auroc'])}; pairs alike in {alike}", flush=True)


if __name__ == "__main__":
    main()
