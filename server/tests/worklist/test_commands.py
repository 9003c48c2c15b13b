"""The commands: worker, export, import, audit, backup, restore, each in a process of its own where that matters."""

from __future__ import annotations

import io
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import LIMITS, Say, begin, run
from tests.worklist.conftest import Judge, dicom_film, listed, png
from tests.worklist.reporting import look_and_report
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery


@pytest.fixture
def worklist(tmp_path: Path) -> Path:
    """A worklist with three films that nobody has scored."""
    with Store.open(tmp_path / "worklist") as store:
        for number in range(2):
            store.films.receive(png(number), name=f"{number}")
        store.films.receive(dicom_film(9, AccessionNumber="A1", StudyInstanceUID="1.2"), name="9")
    return tmp_path / "worklist"


@pytest.mark.slow
def test_a_worker_scores_and_stops_when_it_is_told(worklist: Path, tmp_path: Path) -> None:
    words = ("worker", "models/pca", "--folder", worklist, "--also", "models/roi-sure")
    process = begin(*words, out=tmp_path / "out", err=tmp_path / "err")
    try:
        with Store.open(worklist) as store:
            until = time.monotonic() + 90
            while store.jobs.counts().waiting and time.monotonic() < until and process.poll() is None:
                time.sleep(0.05)
            assert len(listed(store)) == 3 and store.jobs.counts().done == 3
            (film,) = store.studies.details(listed(store)[0]).films
            assert len({finding.model for finding in film.findings}) == 2
            assert [images.shape for images in store.findings.generated().values()] == [(64, 64, 64)], "pca's alone"
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
        out, err = ((tmp_path / name).read_text(encoding="utf-8") for name in ("out", "err"))
        assert "3 films scored." in out
        assert err.count("film.entered id=f-") == 3 and "worker.stopped films=3" in err
        assert "Research use only. Not a medical device. Not for diagnosis." in err
    finally:
        process.kill()
    (tmp_path / "reported.csv").write_text("accession,outcome\nA1,normal\nA2,normal\n")
    answer = run("import", tmp_path / "reported.csv", "--folder", worklist)
    assert answer.code == 1
    assert answer.out == "1 study marked as reported elsewhere; 0 rows known already; 1 row refused.\n"
    assert "reported.csv, line 3: There is no study with this accession number here." in answer.err


def test_an_export_prints_how_many_studies_were_read_because_of_their_score(
    worklist: Path, tmp_path: Path, say: Say, judge_with: Callable[[Store], Judge]
) -> None:
    with Store.open(worklist) as store:
        for _ in range(3):
            judge_with(store)("read", 0.7)
        for study in listed(store):
            store.studies.claim(study, "ann")
            look_and_report(store, study, "ann", "abnormal")
    to, where = tmp_path / "out", ("--folder", worklist)
    answer = say("export", to, *where, "--labelled")
    assert answer.code == 0 and "0 labelled films" in answer.out
    assert "3 reported studies left out of labelled.csv: read because of the score" in " ".join(answer.err.split())
    answer = say(
        "export", to, *where, "--labelled", "--with-selected", "--policy", "models/phantom-screener.policy.json"
    )
    assert answer.code == 0 and "3 labelled films" in answer.out
    assert "3 studies were read because of the score" in " ".join(answer.err.split())
    answer = say("export", to, *where, "--with-selected")
    assert answer.code == 2 and "go with --labelled" in answer.err


def test_what_is_saved_comes_back_and_the_trail_is_checked(worklist: Path, tmp_path: Path, say: Say) -> None:
    answer = say("export", tmp_path / "out", "--folder", worklist)
    assert answer.code == 0 and "3 studies" in answer.out and (tmp_path / "out" / "studies.parquet").exists()
    answer = say("backup", tmp_path / "backup", "--folder", worklist)
    assert (answer.code, answer.out) == (0, f"3 studies, 3 films, 0 maps saved in {tmp_path / 'backup'}\n")
    answer = say("restore", tmp_path / "backup", "--folder", tmp_path / "back")
    assert (answer.code, answer.out) == (0, f"3 studies, 3 films, 0 maps restored into {tmp_path / 'back'}\n")
    head = say("audit", "head", "--folder", worklist).out.strip()
    answer = say("audit", "verify", "--folder", tmp_path / "back", "--head", head)
    assert (answer.code, answer.out) == (0, f"whole: 3 rows. Its head is {head}\n")
    with Store.open(tmp_path / "back") as store, store.database.writing() as connection:
        connection.exec_driver_sql("DROP TRIGGER audit_no_update")
        connection.exec_driver_sql("UPDATE audit SET actor = 'nobody' WHERE seq = 2")
    answer = say("audit", "verify", "--folder", tmp_path / "back")
    assert (answer.code, answer.out) == (1, "") and "Row 2 of the audit trail was changed" in answer.err


def test_a_first_admin_is_invited_from_the_shell(tmp_path: Path, say: Say) -> None:
    for _ in range(2):  # the second time for a new password
        answer = say("invite", "ann", "--role", "admin", "--folder", tmp_path / "new")
        assert answer.code == 0 and answer.out.startswith("http://127.0.0.1:8080/sign-in#choose=")
    with Store.open(tmp_path / "new", create=False) as store:
        token = store.accounts.choose(answer.out.strip().partition("=")[2], "a long sentence that she knows")
        account = store.accounts.session(token)
        assert account is not None and (account.name, account.role) == ("ann", "admin")
    answer = say("invite", "ct-room", "--role", "sender", "--folder", tmp_path / "new")
    assert answer.code == 2 and "A sender needs at least one source" in answer.err
    say("invite", "ct-room", "--role", "sender", "--source", "ward", "--source", "ward 3", "--folder", tmp_path / "new")
    with Store.open(tmp_path / "new") as store:
        assert store.accounts.listed()[1].sources == ("ward", "ward 3")
    for options in (("--role", "reader"), ("--source", "ward")):
        answer = say("invite", "ann", *options, "--folder", tmp_path / "new")
        assert answer.code == 2 and "ann has the role admin already, and --role and --source are for a" in answer.err
    assert say("invite", "ann", "--folder", tmp_path / "new").code == 0
    answer = say("invite", "local", "--folder", tmp_path / "new")
    assert answer.code == 2 and "signs in on the machine itself" in answer.err
    answer = say("invite", "a b", "--folder", tmp_path / "new")
    assert answer.code == 2 and "1 to 64 of the characters" in answer.err


def test_a_folder_that_is_no_worklist_is_one_sentence(tmp_path: Path, say: Say) -> None:
    answer = say("audit", "verify", "--folder", tmp_path)
    assert answer.code == 2 and answer.out == ""
    assert answer.err.count("\n") == 1 and "there is no worklist here" in answer.err


def test_a_patient_is_erased_and_a_film_retired_from_the_shell(
    worklist: Path, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(worklist) as store:
        first, second = (store.studies.details(study).films[0] for study in listed(store)[:2])
        study = store.studies.page(StudyQuery(tab="all", text=first.film)).rows[0].study
    for wrong in ((), ("--patient", "1", "--study", study)):
        answer = say("erase", "--folder", worklist, *wrong)
        assert answer.code == 2 and "either --patient or --study" in answer.err
    answer = say("erase", "--folder", worklist, "--patient", "4711", "--yes")
    assert answer.code == 2 and "no study of this patient" in answer.err and "4711" not in answer.err
    monkeypatch.setattr(sys, "stdin", io.StringIO("4711\n"))
    answer = say("erase", "--folder", worklist, "--patient", "-", "--yes")
    assert answer.code == 2 and "no study of this patient" in answer.err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    answer = say("erase", "--folder", worklist, "--study", study)
    assert answer.code == 1 and "Goes: 1 study, 1 film" in answer.out, "nobody is there to agree"
    answer = say("erase", "--folder", worklist, "--study", study, "--yes")
    assert answer.code == 0 and "erased: 1 study, 1 film, 0 anomaly maps" in answer.out
    assert "Stays: Copies outside the worklist stay" in answer.out
    answer = say("retire", "--folder", worklist, "--film", second.film, "--yes")
    assert (answer.code, answer.out) == (0, "removed: 1 study, 1 film, 0 anomaly maps\n")
    answer = say("retire", "--folder", worklist, "--older-than", "30", "--yes")
    assert (answer.code, answer.out) == (0, "removed: 0 studies, 0 films, 0 anomaly maps\n")
    answer = say("retire", "--folder", worklist, "--model", "a" * 64, "--yes")
    assert answer.code == 2 and "no model with these weights" in answer.err
    answer = say("retire", "--folder", worklist)
    assert answer.code == 2 and "one of --older-than, --film and --model" in answer.err
    with Store.open(worklist) as store:
        assert len(listed(store, "all")) == 1 and store.audit.verify() is None
        assert not store.site.films.of(first.sha256).exists() and not store.site.films.of(second.sha256).exists()


def test_json_of_the_commands_is_one_document_with_the_limits(worklist: Path, tmp_path: Path, say: Say) -> None:
    (tmp_path / "reported.csv").write_text("accession,outcome\nA1,normal\nA2,normal\n")
    at = ("--folder", worklist, "--json")
    found = {
        words[0]: json.loads(say(*words, *at).out)
        for words in (
            ("audit", "verify"),
            ("export", tmp_path / "tables", "--labelled"),
            ("import", tmp_path / "reported.csv"),
            ("backup", tmp_path / "backup"),
            ("invite", "ann"),
        )
    }
    assert all(one["limits"] == LIMITS for one in found.values())
    assert found["audit"]["whole"] is True and found["audit"]["head"].startswith(f"{found['audit']['rows']} ")
    assert {"studies", "labelled"} <= {table["name"] for table in found["export"]["tables"]}
    assert found["import"]["marked"] == 0 and [row["line"] for row in found["import"]["refused"]] == [2, 3]
    assert (found["backup"]["films"], found["backup"]["damaged"]) == (3, [])
    assert "/sign-in#choose=" in found["invite"]["link"]
    gone = say("audit", "verify", "--folder", tmp_path / "gone", "--json")
    assert gone.code == 2 and "gone" in json.loads(gone.out)["error"]
