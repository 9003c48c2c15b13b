"""`python -m studies.curves`: train the curves of PSNR against steps, a row for each point, and render the page.

python -m studies.curves                         the curves at 64 px (about four hours of one core; resumes)
python -m studies.curves --only inpainting-64    one curve, such as ct-64 or mri-128
python -m studies.curves --stop-after 560        stop after so many seconds, with a checkpoint; the same command resumes
python -m studies.curves --render                the page, from the committed rows alone
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from studies.curves.training import names, recipe_of, references, trained
from studies.imaging.page import write_page
from studies.row_files import add_rows_option, read_row, write_row
from studies.rows import Row
from unseen.artifacts.recipe import RecipeError
from unseen.training.limits import RunLimits, RunStopped, limited
from unseen.training.progress_display import shown_on
from unseen.training.settings import TrainingError

PX = 64
CHECKPOINT_EVERY_S = 30.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, train, write rows, render."""
    parser = argparse.ArgumentParser(prog="python -m studies.curves", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the page from the rows in --rows")
    parser.add_argument("--only", nargs="+", metavar="CURVE", help=f"these curves (default: those at {PX} px)")
    parser.add_argument("--seed", type=int, default=0, help="of the training (default: 0)")
    parser.add_argument("--stop-after", type=float, metavar="SECONDS", help="stop with a checkpoint after so long")
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the page goes (default: docs)")
    given = parser.parse_args(arguments)

    def keep(row: Row) -> None:
        print("wrote", write_row(row, given.rows), f"{row['metrics']['psnr']['value']:.2f} dB", flush=True)

    try:
        if not given.render:
            with limited(RunLimits(checkpoint_every_s=CHECKPOINT_EVERY_S, stop_after_s=given.stop_after)):
                for name in given.only or names(PX):
                    recipe = recipe_of(name)
                    if read_row(f"{recipe.name}-tv-0", given.rows) is None:
                        for row in references(recipe):
                            keep(row)
                    trained(recipe, seed=given.seed, keep=keep, progress=shown_on())
        print("rendered", write_page(given.rows, docs=given.docs))
    except RunStopped as stopped:
        print(stopped)
    except (RecipeError, TrainingError) as error:
        sys.exit(f"studies.curves: {error}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
