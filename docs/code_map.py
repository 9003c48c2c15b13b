"""`docs/code-map.md`: purpose of each source file, from the first sentence of its docstring or first comment.

python -m docs.code_map           renders the page
python -m docs.code_map --check   exit status 1 when the page is not up to date
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "code-map.md"
FREQUENT = (
    (
        "Add a detector",
        "src/unseen/detectors/__init__.py",
        "`METHODS`; then one file, as `how-to/add-a-detector.md` describes",
    ),
    ("Add an operator, a noise or a group", "src/unseen/physics/__init__.py", "its four registries"),
    ("Add a loss", "src/unseen/losses/__init__.py", "base class in `losses/loss.py`"),
    ("Add a prior or a reconstructor", "src/unseen/priors/__init__.py", "reconstructors: `reconstruction/__init__.py`"),
    ("Change A @ B, A + B or A.T", "src/unseen/physics/operator.py", ""),
    ("Linearity check of `FunctionOperator`", "src/unseen/physics/function_operator.py", ""),
    ("A variable of a .mat file", "src/unseen/data/array_files.py", "decoded by `matlab_files.py`"),
    ("Warning that measurements do not fit images, noise or mask", "src/unseen/reconstruction/measurements.py", ""),
    ("Patient of a film that states none", "src/unseen/data/unknown_patients.py", ""),
    (
        "Patients who are left out because a model was trained on their films",
        "src/unseen/data/patient_links.py",
        "score tables: `evaluation/training_patients.py`, `evaluation/table.py`; calibration: "
        "`screening/calibration_films.py`; server: `worklist/training_patients.py`",
    ),
    (
        "Films that an interval of an AUROC draws together",
        "src/unseen/evaluation/bootstrap.py",
        "`bootstrap_cohort`; rows that drew single films: `studies/pages/repeated_patients.py`, called by each set's "
        "pages",
    ),
    (
        "Reports that count for the audit sample",
        "server/src/unseen_server/worklist/audit_sample.py",
        "marked in `worklist/report_entry.py`; interval: `src/unseen/screening/audit_draw.py`; whether "
        "readers see scores follows its counts: `web/state.py`",
    ),
    (
        "Score by which the drift watch counts a study",
        "server/src/unseen_server/worklist/drift_counting.py",
        "the calibration counts in the same way: `src/unseen/screening/labelled_studies.py`; tests at a window's end: "
        "`src/unseen/screening/drift_watch.py`",
    ),
    (
        "Delay before a page repeats a failed request",
        "server/src/unseen_server/web/static/js/repeated.js",
        "silence after which news count as lost: `events.js`",
    ),
    (
        "Epoch after which the learning rate of a curve falls",
        "studies/recipes/curves/ct-128.toml",
        "`milestone`; the page: `studies/curves/page.py`",
    ),
    ("Name of a film's patient", "src/unseen/data/reading.py", "by a manifest: `data/manifest.py`"),
    ("Help text of a command", "src/unseen/cli/filled_help.py", "the text is the docstring of the command"),
    (
        "A figure of the page that compares models",
        "server/src/unseen_server/web/labelled_set.py",
        "responses: `web/comparison.py`; page: `static/js/compare.js`, `compare_tables.js`, `compare_report.js`",
    ),
    (
        "Studies that a calibration leaves out",
        "src/unseen/screening/calibration.py",
        "films: `calibration_films.py`; server: `worklist/calibration.py`",
    ),
    (
        "An option of `unseen train`, also for imaging recipes",
        "src/unseen/cli/train.py",
        "passed to `train_imaging.py`",
    ),
    ("Read another kind of image file", "src/unseen/data/file_type.py", "then `decode.py` and a file per format"),
    (
        "Change how a DICOM header decides whether a file is a film",
        "src/unseen/data/dicom_header.py",
        "pixels: `dicom.py`; DICOM elements for display: `dicom_display_hints.py`",
    ),
    ("Limit from which the input gate refuses", "src/unseen/screening/gate/gate.py", "trained by `learnt_rules.py`"),
    ("Wording or code of a refusal of the input gate", "src/unseen/screening/gate/refusal_codes.py", ""),
    (
        "Limits of the refusal `not-frontal`",
        "src/unseen/screening/gate/frontal_view.py",
        "order of the refusals: `gate.py`; how they were chosen: `docs/theory/gate.md`",
    ),
    (
        "Computation of a threshold; usual miss rate and confidence",
        "src/unseen/screening/guarantee.py",
        "the sentence on too few labelled films: `calibration.py`",
    ),
    ("Fields of `policy.json`", "src/unseen/screening/policy.py", "made by `calibration.py`"),
    ("A percentile or its wording", "src/unseen/artifacts/percentile.py", "on pages: `percent_words.js`"),
    ("A figure of an evaluation report", "src/unseen/evaluation/assessment.py", "its HTML: `report.py`"),
    ("A setting of training recipes", "src/unseen/training/settings.py", "of a method: its own file in `detectors`"),
    (
        "Images that `unseen evaluate` leaves out",
        "src/unseen/evaluation/reconstruction_quality.py",
        "known by the card",
    ),
    ("Another operator in a trained network", "src/unseen/reconstruction/reconstructor.py", "limit of its ‖A‖²"),
    (
        "Columns of a manifest and their allowed values",
        "src/unseen/data/manifest.py",
        "made from a folder or a table: `listing.py`; view position, header or manifest: `manifest_view.py`",
    ),
    ("Cells of a table that mean no label", "src/unseen/data/missing_cells.py", "names of labels: `label_names.py`"),
    (
        "Fold of a patient",
        "src/unseen/data/patient_fold.py",
        "split files: `runs/cohort.py`; parts for cross-fitting: `runs/patient_folds.py`",
    ),
    (
        "Share of the head that learns from labels",
        "src/unseen/screening/adaptation.py",
        "check of the labels: `label_check.py`; films to label, as the message names them: `label_differences.py`",
    ),
    (
        "A sentence of the README on results",
        "studies/pages/readme.py",
        "its table: `results_page.py`; children (ZhangLab): `studies/zhanglab/page.py`; imaging: "
        "`studies/evidence/reconstruction.py`",
    ),
    (
        "Network that the imaging results show for a problem",
        "studies/imaging/summaries.py",
        "its table: `tv_section.py`",
    ),
    (
        "Which films have a probability",
        "src/unseen/screening/screener.py",
        "the map from scores: `probability.py`; prevalence: `policy.py`",
    ),
    (
        "Priority of a film",
        "src/unseen/screening/probability.py",
        "without a policy that gives probabilities: `screener.py`; order of the worklist: `reading_order.py`",
    ),
    (
        "When a study is cleared",
        "src/unseen/screening/screened.py",
        "of an archive in parts: `study_decisions.py`; of a film: `screener.py`",
    ),
    (
        "Exit statuses; films that a command could not read",
        "src/unseen/cli/program.py",
        "count of unread films: `counted_films.py`",
    ),
    (
        "Two commands that write one folder",
        "src/unseen/artifacts/folder_lock.py",
        "held by `cli/console.py` and `training/loop.py`",
    ),
    (
        "Operator and noise level of each measurement in a batch",
        "src/unseen/physics/measurement.py",
        "index of each measurement: `reconstruction/measurements.py`; levels of the training alone: "
        "`reconstruction/reconstructor.py`",
    ),
    (
        "Films that a report covers, and a study that opens again",
        "server/src/unseen_server/worklist/report_coverage.py",
        "`result_batch.py` opens the study",
    ),
    ("A line of results-sources", "studies/pages/sources_page.py", "figures of the sources: `source_figures.py`"),
    ("A section of results-imaging", "studies/imaging/page.py", "`*_section.py` beside it, one for each heading"),
    ("An arm of the imaging results", "studies/imaging/arms.py", "its name: `settings.py`; then the recipes"),
    (
        "Epochs, batch and size of an experiment of the thesis",
        "studies/recipes/thesis/ganomaly.toml",
        "the other recipes beside it",
    ),
    (
        "What identifies an interrupted training of a reconstructor",
        "src/unseen/reconstruction/learner.py",
        "fingerprint of settings and films: `training/checkpoint.py`",
    ),
    ("Phantom films that tests draw", "tests/phantom_cache.py", "no common set: each test draws its own number"),
    (
        "New field of a study",
        "server/src/unseen_server/worklist/tables.py",
        "a migration in `migrations/versions`; its reply: `web/listed_study.py`",
    ),
    (
        "A filter of the list",
        "server/src/unseen_server/worklist/study_query.py",
        "its SQL: `filter_sql.py`; its form: `worklist_filters.js`",
    ),
    ("A sort order of the list", "server/src/unseen_server/worklist/list_sorting.py", ""),
    (
        "Priority in the list to read",
        "server/src/unseen_server/worklist/reading_order.py",
        "overdue studies: `waiting_cap.py`",
    ),
    ("States of a study and their transitions", "server/src/unseen_server/worklist/states.py", ""),
    (
        "What a reader's report changes",
        "server/src/unseen_server/worklist/report_entry.py",
        "a worker's result: `result_record.py`",
    ),
    (
        "Removal by age (retention period), and its wait after a jump of the clock",
        "server/src/unseen_server/worklist/retention.py",
        "its settings: `stored_settings.py`; on the page *Administration*: `admin_settings.js`",
    ),
    (
        "Release of a study when its page is closed",
        "server/src/unseen_server/web/open_pages.py",
        "routes: `web/studies.py`; in the browser: `viewer_claims.js`; claims in the database: `study_claims.py`",
    ),
    (
        "Text that a page keeps in the browser (localStorage)",
        "server/src/unseen_server/web/static/js/browser_storage.js",
        "the theme, before the page is drawn: `theme.js`",
    ),
    (
        "Check of an output (`--out`) before the work",
        "src/unseen/cli/console.py",
        "called by each command that writes",
    ),
    (
        "Who may confirm; rule of two people",
        "server/src/unseen_server/worklist/two_person_rule.py",
        "roles: `accounts.py`; their check per request: `web/authentication.py`",
    ),
    (
        "Number of reports before a calibration",
        "server/src/unseen_server/worklist/calibration.py",
        "its routes: `web/calibration.py`",
    ),
    (
        "Text of the warning of a second server",
        "server/src/unseen_server/web/server.py",
        "which servers run: `running_servers.py`",
    ),
    (
        "Order of a patient's prior studies",
        "server/src/unseen_server/web/prior_studies.py",
        "which are priors, and how many in one answer: `worklist/details.py`",
    ),
    (
        "Sentence when the answer to a report is lost",
        "server/src/unseen_server/web/static/js/api.js",
        "",
    ),
    ("Limits of uploads", "server/src/unseen_server/web/upload_limits.py", "of requests in general: `middleware.py`"),
    ("Who sees names of patients", "server/src/unseen_server/web/hidden_names.py", ""),
    (
        "Styles of all pages, also on paper",
        "server/src/unseen_server/web/static/base.css",
        "of one page: the file beside it with the page's name",
    ),
    (
        "Heat map colours",
        "server/src/unseen_server/web/static/js/heat_map_colours.js",
        "in reports: `src/unseen/artifacts/colour_map.py`; in captures: `pacs/secondary_capture.py`",
    ),
    (
        "A key of the viewer",
        "server/src/unseen_server/web/static/js/viewer.js",
        "listener: `viewer_keys.js`; its help: `viewer_key_help.js`",
    ),
    (
        "A section of pacs.toml",
        "server/src/unseen_server/pacs/config.py",
        "HL7, FHIR, HTTP, syslog: `non_dicom_settings.py`",
    ),
    ("DICOM objects that are sent as results", "server/src/unseen_server/pacs/objects.py", ""),
)
"""Rows of *Frequent changes*, written by hand: task, first file, and files that often follow."""
TREES = {
    "Library": "src/unseen",
    "Server": "server/src/unseen_server",
    "Studies": "studies",
    "Benchmarks": "benchmarks",
}
SKIPPED = ("migrations/versions", "__pycache__")
"""Folders without rows: schema revisions are found by their numbers."""
HEAD = """\
# Code map

<!-- rendered: python -m docs.code_map -->

One row per source file: its purpose, as its first line states it. `python -m docs.code_map` renders this page; a \
test compares it with the files. To search for a definition by its name, use `git grep -n "def NAME\\|class NAME"`. \
The order of the packages is in `CONTRIBUTING.md`; the commits of a file explain its history.

Tests of `src/unseen/PACKAGE` are in `tests/PACKAGE`, those of `server/src/unseen_server/PACKAGE` in \
`server/tests/PACKAGE`.

"""


SUFFIXES = ("py", "js", "j2")


def first_sentence(text: str) -> str:
    """Return the first sentence of a docstring's or comment's first paragraph, on one line.

    >>> first_sentence("Masks of k-space, e.g. of lines. Further\\nwords.")
    'Masks of k-space, e.g. of lines.'
    """
    paragraph = " ".join(text.strip().partition("\n\n")[0].split())
    end = re.search(r"(?<!e\.g)(?<!i\.e)(?<!cf)(?<!vs)[.?!](?=\s+[A-Z`(/←→]|$)", paragraph)
    return paragraph[: end.end()] if end else paragraph


def purpose(path: Path) -> str:
    """Return a file's purpose: first sentence of its docstring (Python) or first comment (JavaScript), or its title."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".j2":
        title = re.search(r"block title %}([^{]+) · unseen{%", source)
        return f"Template of the page “{title[1]}”." if title else f"Template `{path.stem}`."
    if path.suffix == ".py":
        # the docstring alone, where the file begins with it: the whole file takes ten times as long
        beginning = re.match(r'(#[^\n]*\n|\n)*r?"""([^\\]|\\.)*?"""', source, flags=re.DOTALL)
        return first_sentence(ast.get_docstring(ast.parse(beginning[0] if beginning else source)) or "")
    comment: list[str] = []
    for line in source.splitlines():
        if line.startswith("//") and not line.startswith("// @ts-check"):
            comment.append(line.removeprefix("//"))
        elif comment:
            break
    return first_sentence("\n".join(comment))


def cell(words: str) -> str:
    """Return a text as a cell of a table: bars and signs of Markdown and HTML outside backquotes are escaped.

    >>> print(cell("`a | b`, A* and |x| < 1"))
    `a | b`, A\\* and \\|x\\| &lt; 1
    """
    parts = words.split("`")
    parts[::2] = [re.sub(r"([|*\[\]])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "`".join(parts)


def folders(tree: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder that holds source files, with these files; `__init__.py` describes its folder."""
    for folder in sorted({path.parent for suffix in SUFFIXES for path in tree.rglob(f"*.{suffix}")}):
        if any(skipped in folder.as_posix() for skipped in SKIPPED):
            continue
        yield folder, [p for p in sorted(folder.iterdir()) if p.suffix[1:] in SUFFIXES and p.name != "__init__.py"]


def page() -> str:
    """Return the page as it is written to `docs/code-map.md`."""
    parts = [HEAD, "## Frequent changes\n\n| Task | First file | Then |\n|---|---|---|\n"]
    for task, first, then in FREQUENT:
        if not (ROOT / first).exists():
            raise SystemExit(f"{first} does not exist. Correct its row in FREQUENT in docs/code_map.py.")
        parts.append(f"| {task} | `{first}` | {then or '–'} |\n")
    for title, tree in TREES.items():
        parts.append(f"\n## {title}\n")
        for folder, files in folders(ROOT / tree):
            parts.append(f"\n### `{folder.relative_to(ROOT).as_posix()}`\n")
            package = folder / "__init__.py"
            if package.exists() and (stated := purpose(package)):
                parts.append(f"\n{stated}\n")
            if files:
                parts.append("\n| File | Purpose |\n|---|---|\n")
                parts += [f"| `{path.name}` | {cell(purpose(path))} |\n" for path in files]
    return "".join(parts)


def main(arguments: list[str]) -> int:
    """Render the page, or compare it."""
    if arguments == ["--check"]:
        current = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        if not current:
            print("docs/code-map.md is not up to date. Run python -m docs.code_map")
        return 0 if current else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
