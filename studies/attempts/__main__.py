"""`python -m studies.attempts`: short experiments on detectors, and the page of the targets of detection.

python -m studies.attempts choose          lesions and sides on fold 0 alone: rows with the nominees
python -m studies.attempts test            the same recipes on folds 1 to 4, opened once for all
python -m studies.attempts volume-choose   signed maps with the difference of both lungs' areas, on fold 0 alone
python -m studies.attempts volume-test     the same recipes on folds 1 to 4, opened once for all
python -m studies.attempts stream          unread films of ZhangLab's training split
python -m studies.attempts kept-lesions    shipped models with the lung finder that keeps lesions
python -m studies.attempts heads           other heads for ten labels: on fold 0, then on folds 1 to 4
python -m studies.attempts adapt           both heads of `unseen adapt` by its own code
python -m studies.attempts compare         both heads on fold 0 of three sets, paired: which is the default
python -m studies.attempts label-check     how often its check accepts labels that show a film statistic alone
python -m studies.attempts soft-share      rules for the head's share without a jump, on fold 0 of three sets
python -m studies.attempts curves          both heads with 5 to 100 labels, on three sets
python -m studies.attempts covariates      what explains the labels of nih_cxr8, and what the check makes of it
python -m studies.attempts cleared         what these heads clear at Shenzhen
python -m studies.attempts joined-choose   a mean of more heads, and one that a division chooses, on fold 0 alone
python -m studies.attempts joined-test     the same on folds 1 to 4, opened once for all
python -m studies.attempts render          the page, from the rows alone
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from studies.attempts import adapt_heads, heads, joined_heads, sides, volume
from studies.attempts.head_comparison import comparison_rows
from studies.attempts.kept_lesions import kept_rows
from studies.attempts.label_check import label_check_row
from studies.attempts.label_covariates import covariates_rows
from studies.attempts.label_curves import curve_rows
from studies.attempts.page import attempts_page
from studies.attempts.soft_share import soft_share_rows
from studies.attempts.stream import stream_row
from studies.row_files import add_rows_option, read_rows, read_study, write_row
from studies.rows import Row
from unseen.artifacts.files import write_text
from unseen.artifacts.run_folder import runs_root


def main(arguments: Iterable[str] | None = None) -> None:
    """Compute the rows of some parts, write them, and render the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.attempts", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=(*PARTS, "render"), help="parts, in their order")
    add_rows_option(parser)
    parser.add_argument("--page", type=Path, default=Path("docs/results-attempts.md"), help="the page")
    given = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    for part in given.parts:
        for row in PARTS[part](given.rows) if part in PARTS else ():
            print("wrote", write_row(row, given.rows), flush=True)
    write_text(given.page, attempts_page(read_rows(given.rows)))
    print("rendered", given.page)


def _sides_tested(folder: Path) -> Iterable[Row]:
    return sides.tested_rows(sides.data_of(runs_root()), _chosen(folder, sides.ROWS, "choose"))


def _volume_tested(folder: Path) -> Iterable[Row]:
    return volume.tested_rows(sides.data_of(runs_root()), _chosen(folder, volume.ROWS, "volume-choose"))


def _joined_tested(folder: Path) -> Iterable[Row]:
    kept = [row for row in _chosen(folder, heads.CLEARED, "joined-choose") if row.get("round") == joined_heads.ROUND]
    rows = joined_heads.joined_tested_rows(heads.site_of(runs_root(), joined_heads.FINDER_FOLD), kept)
    looks = [heads.looks_of(row if "test" in one else None) + 1 for row, one in zip(rows, kept, strict=True)]
    return [row | {"looks": number} for row, number in zip(rows, looks, strict=True)]


def _looked_again(rows: Iterable[Row], folder: Path) -> list[Row]:
    """Return rows with the number of looks at their test folds, this one included."""
    before = read_study("attempts", folder)
    return [row | {"looks": heads.looks_of(before.get(f"{row['recipe']}-{row['seed']}")) + 1} for row in rows]


def _adapt(folder: Path) -> Iterable[Row]:
    rows = _looked_again(adapt_heads.adapt_rows(heads.site_of(runs_root())), folder)
    before = read_study("attempts", folder)
    return [adapt_heads.with_earlier(row, before.get(f"{row['recipe']}-{row['seed']}")) for row in rows]


def _label_check(folder: Path) -> Iterable[Row]:
    return (label_check_row(heads.site_of(runs_root()), head) for head in reversed(adapt_heads.HEADS))


PARTS: dict[str, Callable[[Path], Iterable[Row]]] = {
    "choose": lambda folder: sides.fold_0_rows(sides.data_of(runs_root())),
    "test": _sides_tested,
    "volume-choose": lambda folder: volume.fold_0_rows(sides.data_of(runs_root())),
    "volume-test": _volume_tested,
    "stream": lambda folder: [stream_row(runs_root())],
    "kept-lesions": lambda folder: kept_rows(runs_root()),
    "heads": lambda folder: _looked_again(heads.head_rows(heads.site_of(runs_root())), folder),
    "adapt": _adapt,
    "compare": lambda folder: comparison_rows(runs_root()),
    "label-check": _label_check,
    "covariates": lambda folder: covariates_rows(runs_root()),
    "curves": lambda folder: curve_rows(runs_root(), known=read_study("attempts", folder)),
    "soft-share": lambda folder: soft_share_rows(runs_root()),
    "cleared": lambda folder: _looked_again(heads.cleared_rows(heads.site_of(runs_root())), folder),
    "joined-choose": lambda folder: joined_heads.joined_fold_0_rows(
        heads.site_of(runs_root(), joined_heads.FINDER_FOLD)
    ),
    "joined-test": _joined_tested,
}
"""Function of the folder of rows, by part: the rows that the part computes."""


def _chosen(folder: Path, prefix: str, part: str) -> list[Row]:
    """Return the rows of an experiment that has figures on fold 0."""
    kept = [row for name, row in read_study("attempts", folder).items() if name.startswith(prefix)]
    if not kept:
        raise SystemExit(f"No row has figures on fold 0. Run `python -m studies.attempts {part}` first.")
    return [{key: value for key, value in row.items() if key != "name"} for row in kept]


if __name__ == "__main__":
    main()
