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
from collections.abc import Iterable
from pathlib import Path

import torch

from studies.attempts.page import attempts_page
from studies.row_files import add_rows_option, read_rows, read_study, write_row
from studies.rows import Row
from unseen.artifacts.files import write_text
from unseen.artifacts.run_folder import runs_root

PARTS = (
    "choose", "test", "volume-choose", "volume-test", "stream", "kept-lesions", "heads", "adapt", "compare",
    "label-check", "covariates", "curves", "soft-share", "cleared", "joined-choose", "joined-test", "render",
)  # fmt: skip


def main(arguments: Iterable[str] | None = None) -> None:
    """Compute the rows of some parts, write them, and render the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.attempts", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="+", choices=PARTS, help="parts, in their order")
    add_rows_option(parser)
    parser.add_argument("--page", type=Path, default=Path("docs/results-attempts.md"), help="the page")
    given = parser.parse_args(None if arguments is None else list(arguments))
    torch.set_num_threads(1)
    for part in given.parts:
        _computed(part, given.rows)
    write_text(given.page, attempts_page(read_rows(given.rows)))
    print("rendered", given.page)


def _computed(part: str, folder: Path) -> None:
    rows: Iterable[Row]
    if part == "choose":
        from studies.attempts.sides import data_of, fold_0_rows

        rows = fold_0_rows(data_of(runs_root()))
    elif part == "test":
        from studies.attempts.sides import ROWS, data_of, tested_rows

        rows = tested_rows(data_of(runs_root()), _chosen(folder, ROWS, "choose"))
    elif part == "volume-choose":
        from studies.attempts.sides import data_of
        from studies.attempts.volume import fold_0_rows as volume_rows

        rows = volume_rows(data_of(runs_root()))
    elif part == "volume-test":
        from studies.attempts.sides import data_of
        from studies.attempts.volume import ROWS as VOLUME
        from studies.attempts.volume import tested_rows as volume_tested_rows

        rows = volume_tested_rows(data_of(runs_root()), _chosen(folder, VOLUME, "volume-choose"))
    elif part == "joined-choose":
        from studies.attempts.heads import site_of
        from studies.attempts.joined_heads import FINDER_FOLD, joined_fold_0_rows

        rows = joined_fold_0_rows(site_of(runs_root(), FINDER_FOLD))
    elif part == "joined-test":
        from studies.attempts.heads import CLEARED, looks_of, site_of
        from studies.attempts.joined_heads import FINDER_FOLD, ROUND, joined_tested_rows

        kept = [row for row in _chosen(folder, CLEARED, "joined-choose") if row.get("round") == ROUND]
        rows = joined_tested_rows(site_of(runs_root(), FINDER_FOLD), kept)
        rows = [
            row | {"looks": looks_of(row if "test" in one else None) + 1} for row, one in zip(rows, kept, strict=True)
        ]
    elif part == "stream":
        from studies.attempts.stream import stream_row

        rows = [stream_row(runs_root())]
    elif part == "kept-lesions":
        from studies.attempts.kept_lesions import kept_rows

        rows = kept_rows(runs_root())
    elif part in ("heads", "adapt", "cleared"):
        from studies.attempts.adapt_heads import adapt_rows, with_earlier
        from studies.attempts.heads import cleared_rows, head_rows, looks_of, site_of

        of = {"heads": head_rows, "adapt": adapt_rows, "cleared": cleared_rows}
        rows = of[part](site_of(runs_root()))
        before = read_study("attempts", folder)
        rows = [row | {"looks": looks_of(before.get(f"{row['recipe']}-{row['seed']}")) + 1} for row in rows]
        if part == "adapt":
            rows = [with_earlier(row, before.get(f"{row['recipe']}-{row['seed']}")) for row in rows]
    elif part == "compare":
        from studies.attempts.head_comparison import comparison_rows

        rows = comparison_rows(runs_root())
    elif part == "label-check":
        from studies.attempts.adapt_heads import HEADS
        from studies.attempts.heads import site_of
        from studies.attempts.label_check import label_check_row

        rows = (label_check_row(site_of(runs_root()), head) for head in reversed(HEADS))
    elif part == "soft-share":
        from studies.attempts.soft_share import soft_share_rows

        rows = soft_share_rows(runs_root())
    elif part == "covariates":
        from studies.attempts.label_covariates import covariates_rows

        rows = covariates_rows(runs_root())
    elif part == "curves":
        from studies.attempts.label_curves import curve_rows

        rows = curve_rows(runs_root(), known=read_study("attempts", folder))
    else:
        rows = []
    for row in rows:
        print("wrote", write_row(row, folder), flush=True)


def _chosen(folder: Path, prefix: str, part: str) -> list[Row]:
    """Return the rows of an experiment that has figures on fold 0."""
    kept = [row for name, row in read_study("attempts", folder).items() if name.startswith(prefix)]
    if not kept:
        raise SystemExit(f"No row has figures on fold 0. Run `python -m studies.attempts {part}` first.")
    return [{key: value for key, value in row.items() if key != "name"} for row in kept]


if __name__ == "__main__":
    main()
