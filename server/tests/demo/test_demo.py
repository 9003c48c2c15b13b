"""`unseen demo`, in its smallest setting: all nine steps, the shortcut told in words, both bad files refused, the pages
of a filled worklist looked at. `make test` runs it with smaller films; `make nightly` as it is.
"""

from __future__ import annotations

import fcntl
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import LIMITS, Say, run
from unseen.artifacts import bundle
from unseen.screening.policy import Policy
from unseen_server.demo.demonstration import _calibrated
from unseen_server.demo.simulated_sites import NORTH, SiteShare, write_sites
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery

LABELLED = 46  # abnormal films of each site; the input gate refuses some, and a policy needs 29
SMALLER = """
from unseen.data import phantoms
from unseen_server.demo.simulated_sites import write_sites

phantoms.normals.__kwdefaults__["size"] = 64
write_sites.__kwdefaults__["side"] = 192  # the process that draws reads this file, too
if __name__ == "__main__":
    from unseen.cli import main

    main()
"""


@pytest.mark.nightly  # its parts: demo/test_simulated_sites.py, worklist/test_filling.py
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("whole", [False, True], ids=["smaller", "whole"])
def test_the_demonstration_shows_what_it_promises(tmp_path: Path, whole: bool) -> None:
    words = ("demo", "--out", tmp_path / "demo", "--normals", 80, "--pairs", 24, "--epochs", 1, "--labelled", LABELLED)
    # without a terminal it checks its pages and ends
    program = tmp_path / "smaller.py"
    program.write_text(SMALLER, encoding="utf-8")
    done = run(*words) if whole else run(*words, program=program)
    assert done.code == 0, done.out + done.err
    steps = [line.split()[1] for line in done.err.splitlines() if line.startswith("▸")]
    assert steps == [f"{i}/9" for i in range(1, 10)]
    assert LIMITS in done.err
    first = r"AUROC [01]\.\d\d on 48 films\. The model was trained on other simulated normal films"
    assert re.search(first, done.out), done.out
    for name in ("phantom-screener", "pca", "dae"):
        assert re.search(rf"{name}: AUROC 0\.\d\d \(95 % interval 0\.\d\d to [01]\.\d\d\)", done.out), done.out
        report = tmp_path / "demo" / "reports" / name
        assert f"report ({name}): {report / 'report.html'}" in done.out
        metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
        assert metrics["n"]["pooled"] == {"normal": 24, "abnormal": 24}
    for name in ("pca", "dae"):
        assert bundle.load(tmp_path / "demo" / "models" / f"demo-{name}").card.name == name
    for group in ("nodule", "consolidation", "effusion", "pneumothorax", "faint", "obvious"):
        assert re.search(rf"AUROC, {group} .*phantom-screener.*pca.*dae", done.out), f"no line for {group}"
    planted = done.out.split("pca has no epochs.")[1].split("cut-short.png")[0]
    assert "shortcut: abnormal films are sharper" in planted, planted
    (cut,) = (line for line in done.out.splitlines() if "cut-short.png:" in line)
    (bomb,) = (line for line in done.out.splitlines() if "bomb.png:" in line)
    assert len(cut.split(":", 1)[1]) > 20
    assert re.search(r"60,?000", bomb), bomb
    _worklist(tmp_path / "demo", done.out, side=512 if whole else 192, scores=3)


def _worklist(out: Path, said: str, *, side: int, scores: int) -> None:
    """Calibrated on both sites, filled, and every page looked at; by the store's own account.

    The input gate of the shipped model refuses some films of these sites, which differ from its training films.
    """
    policy = Policy.load(out / "policy.json")
    assert set(policy.sources) == {"North", "South"}
    assert all(source.abnormals >= 29 and source.threshold is not None for source in policy.sources.values())
    refused = re.search(r"(\d+) (?:study was|studies were) not scored and not used", said)
    explained = re.findall(
        r"(\d+) (?:normal film|abnormal film)(?: was|s were) not scored: .+ \[[a-z-]+\]: [A-Z]", said
    )
    assert sum(map(int, explained)) == (int(refused[1]) if refused else 0), "each film that was not scored has a reason"
    used = sum(source.abnormals + len(source.normals) for source in policy.sources.values())
    assert used + (int(refused[1]) if refused else 0) == 2 * (LABELLED + 30)
    with Store.open(out / "worklist", create=False) as store:
        totals = {
            tab: store.studies.page(StudyQuery(tab=tab)).total
            for tab in ("to_read", "cleared", "reported", "not_scored")
        }  # type: ignore[arg-type]
        labelled = store.reports.labelled()
        reasons = [row.reason for row in store.studies.page(StudyQuery(tab="not_scored", limit=200, blind=False)).rows]
    assert totals["cleared"] >= 5 and totals["reported"] >= 20 and totals["to_read"] - totals["not_scored"] >= 15
    cut_short = [reason for reason in reasons if "cut off" in reason]
    assert len(cut_short) == 1 and all("[unlike]" in one for one in reasons if one not in cut_short), reasons
    assert {film.abnormal for film in labelled} == {True, False} and all(
        len(film.scores) == scores for film in labelled
    )
    listed = f"list: {totals['to_read']} studies to read ({totals['not_scored']} of them not scored, with the reason), "
    assert f"{listed}{totals['cleared']} cleared, {totals['reported']} reported" in said
    for what in (
        "signed in with the link",
        "pages: 8 opened, ",
        "policy for North and South: at most 10 %",
        "Look at: the share of normal studies that is cleared at each site.",
        f"{side} × {side} pixels of 12 bits, {scores} scores",
        "stopped: the server finished",
        f"Results are in {out}: reports/, models/, policy.json, worklist/",
        "The page was checked and is no longer served (no terminal, or --no-browser). To open it: ",
    ):
        assert what in said, what
    assert re.search(r"all of it took \d+ s", said)


def test_the_calibration_names_the_reason_of_each_film_that_was_not_scored(tmp_path: Path) -> None:
    shares = [SiteShare(station=NORTH, normals=3, abnormals=3, seed=5)]
    manifest = write_sites(shares, tmp_path / "sites", side=192)
    grey = np.random.default_rng(0).integers(0, 256, (192, 192), dtype=np.uint8)
    for number in range(2):
        Image.fromarray(np.roll(grey, number)).save(manifest.with_name(f"noise-{number}.png"))
        with manifest.open("a", encoding="utf-8") as rows:
            rows.write(f"noise-{number}.png,normal,North,noise-{number},,,\n")
    lines = _calibrated(manifest, tmp_path / "policy.json")
    explained = [line for line in lines if " not scored: " in line]
    assert any(re.match(r"2 normal films were not scored: .+ \[[a-z-]+\]: [A-Z]", line) for line in explained), lines
    (total,) = (line for line in lines if "not used for the calibration" in line)
    assert int(total.split()[0]) == sum(int(line.split()[0]) for line in explained), lines


def test_a_worklist_that_is_not_the_demos_is_left_alone(tmp_path: Path, say: Say) -> None:
    Store.open(tmp_path / "worklist").close()
    before = sorted(tmp_path.rglob("*"))
    answer = say("demo", "--out", tmp_path)
    assert answer.code == 2 and "was not made by the demonstration" in answer.err
    assert sorted(tmp_path.rglob("*")) == before


def test_two_demos_do_not_share_a_folder(tmp_path: Path, say: Say) -> None:
    with (tmp_path / ".demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = say("demo", "--out", tmp_path)
    assert answer.code == 2 and "another demo is using this folder" in answer.err
