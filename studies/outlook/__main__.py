"""`python -m studies.outlook`: the questions of the outlook: train, write rows as they finish, render the pages.

python -m studies.outlook                     every question (about 20 minutes of one core; goes on)
python -m studies.outlook --only shift        of shift, samples, dimension, ambient, generators
python -m studies.outlook --seeds 0           these seeds of shift, samples and dimension (default: 0 1 2)
python -m studies.outlook --render            the pages, from the committed rows alone
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from studies.imaging.page import write_page as write_imaging
from studies.outlook.ambient import ARMS, ambient_row
from studies.outlook.generators import IMAGES, KINDS, generators_row
from studies.outlook.learning import QUESTIONS, learnt
from studies.priors.page import write_page as write_priors
from studies.row_files import add_rows_option, read_row, write_row
from studies.rows import Row

ASKED = (*QUESTIONS, "ambient", "generators")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse, run, render."""
    parser = argparse.ArgumentParser(prog="python -m studies.outlook", description=__doc__.splitlines()[0])
    parser.add_argument("--render", action="store_true", help="only render the pages from the rows in --rows")
    parser.add_argument("--only", nargs="+", choices=ASKED, default=ASKED, help="these questions")
    parser.add_argument("--seeds", nargs="+", type=int, default=(0, 1, 2))
    add_rows_option(parser)
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where the pages go (default: docs)")
    given = parser.parse_args(arguments)
    if not given.render:
        for question in given.only:
            for row in _rows_of(question, tuple(given.seeds), given.rows):
                print("wrote", write_row(row, given.rows), flush=True)
    for page in (write_imaging(given.rows, docs=given.docs), write_priors(given.rows, docs=given.docs)):
        print("rendered", page)


def _rows_of(question: str, seeds: tuple[int, ...], rows: Path) -> Iterator[Row]:
    """Yield rows as they are made; GANs and VAEs whose row is there are not trained again."""
    if question in QUESTIONS:
        yield from learnt(question, seeds)
    elif question == "ambient":
        for arm in ARMS:
            if read_row(f"outlook/ambient-{arm}-0", rows) is None:
                yield ambient_row(arm)
    else:
        for images in IMAGES:
            for kind in KINDS:
                if read_row(f"outlook/generators-{images}-{kind}-0", rows) is None:
                    yield generators_row(images, kind)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
