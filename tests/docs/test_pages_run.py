"""README and docs run as they stand: each page's Python and shell blocks in order, from an empty folder.

The quick start runs in `test_python_blocks`, on a folder, and at night from the wheel, in `repository/test_wheel.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.blocks import PAGES, named
from tests.docs.page_runner import PageRunner
from tests.docs.page_steps import shows, steps
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

NIGHTLY = {
    "docs/get-started/first-film.md",
    "docs/get-started/first-image.md",
    "docs/how-to/add-a-detector.md",
    "docs/how-to/administer.md",
    "docs/how-to/backbones.md",
    "docs/how-to/calibrate.md",
    "docs/how-to/cluster.md",
    "docs/how-to/dicom.md",
    "docs/how-to/evaluate.md",
    "docs/how-to/from-deepinv.md",
    "docs/how-to/from-ei.md",
    "docs/how-to/from-folder-to-model.md",
    "docs/how-to/generator-studies.md",
    "docs/how-to/gpu.md",
    "docs/how-to/imaging-lab.md",
    "docs/how-to/install-a-server.md",
    "docs/how-to/my-k-space.md",
    "docs/how-to/my-sinogram.md",
    "docs/how-to/noises.md",
    "docs/how-to/operators.md",
    "docs/how-to/pacs.md",
    "docs/how-to/plug-ins.md",
    "docs/how-to/priors.md",
    "docs/how-to/public-data.md",
    "docs/how-to/read.md",
    "docs/how-to/reconstruct.md",
    "docs/how-to/reports.md",
    "docs/how-to/robustness.md",
    "docs/how-to/score.md",
    "docs/how-to/serve.md",
    "docs/how-to/single-sign-on.md",
    "docs/how-to/train-imaging.md",
    "docs/how-to/train.md",
    "docs/how-to/worklist.md",
    "docs/index.md",
    "docs/theory/identifiability.md",
    "docs/theory/shortcuts.md",
    "docs/theory/stopping.md",
    "docs/words.md",
    "README.md",
}
"""Pages that take more than a second of processor time on a slow machine. Of README the quick start runs in `make
test` (`test_python_blocks`), and `test_commands` compares the commands of every page there with the programs."""


def _the_study_was_reported(folder: Path) -> None:
    with Store.open(folder / "worklist") as store:
        rows = store.studies.page(StudyQuery(tab="all")).rows
        reports = [(one.reader, one.outcome) for row in rows for one in store.studies.details(row.study).reports]
        assert reports == [("local", "normal")]
        assert [account.name for account in store.accounts.listed()] == ["ann", "lea", "room-3"]


CHECKS: dict[str, Callable[[Path], None]] = {"docs/how-to/serve.md": _the_study_was_reported}
"""Further checks of the page's folder after its steps, by page."""


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=pytest.mark.nightly if named(page) in NIGHTLY else ()) for page in PAGES if steps(page)],
    ids=named,
)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path, program: Callable[..., str]) -> None:
    program("curl")
    folder = tmp_path / "empty"
    folder.mkdir()
    with PageRunner(page, folder, tmp_path / "beside", program) as running:
        running.all()
    if named(page) in CHECKS:
        CHECKS[named(page)](folder)


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name == "how-to"], ids=named)
def test_a_how_to_begins_with_a_result_and_ends_with_what_can_go_wrong(page: Path) -> None:
    if page.name == "index.md":
        return
    text = page.read_text(encoding="utf-8")
    assert "\nAfter this page " in text
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[-1] == "## What can go wrong"
    assert any(step.kind in {"python", "bash"} and not step.message for step in steps(page)), "no command"


def test_a_message_may_be_broken_into_lines_and_shortened() -> None:
    assert shows("unseen: films:\n  no such folder. Give one.\n", "films: no such …. Give one.")
    assert not shows("unseen: films: no such folder.", "no such file")
