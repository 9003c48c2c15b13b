"""Erasing, removing by age, backing up and restoring, exporting and importing."""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy

from tests.worklist.conftest import (
    Clock,
    Judge,
    Judged,
    MakePlace,
    dicom_film,
    listed,
    on_both_databases,
    on_postgresql,
    png,
)
from tests.worklist.reporting import look_and_report
from tests.worklist.test_reports_elsewhere import said as sent
from unseen.screening.screener import Screener
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.belonging import SETTING
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.report_import import import_elsewhere
from unseen_server.worklist.states import BusyError, NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.stored_files import ContentFolder
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.table_export import export_tables
from unseen_server.worklist.tables import films, metadata, sessions, settings

DAY = 86_400.0
LIMITS = "Research use only. Not a medical device. Not for diagnosis."


def cells(store: Store) -> str:
    with store.database.reading() as connection:
        return "\n".join(
            str(row) for table in metadata.sorted_tables for row in connection.execute(sqlalchemy.select(table))
        )


def files(store: Store) -> set[str]:
    return {
        path.name for folder in (store.site.films, store.site.maps) for path in folder.path.rglob("*") if path.is_file()
    }


@pytest.fixture
def filled(store: Store, screener: Screener) -> Store:
    """Two patients, three studies, five films, scored by a real detector; one study was reported."""
    for number, (patient, study) in enumerate(
        [("p1", "1.1"), ("p1", "1.1"), ("p1", "1.2"), ("p2", "2.1"), ("p2", "2.1")]
    ):
        store.films.receive(
            dicom_film(number, PatientID=patient, StudyInstanceUID=study, AccessionNumber=f"A{study}"),
            name=f"{patient}.dcm",
        )
    Worker(store, lambda: screener, name="worker").drain()
    (mine,) = store.studies.page(StudyQuery(tab="all", text="2.1")).rows
    store.studies.claim(mine.study, "ann")
    look_and_report(store, mine.study, "ann", "abnormal", """a "note"; <b>with</b> ü 愛\nand a line""")
    store.accounts.add("ann", "a long password", "reader", actor="admin")
    return store


def test_a_patient_is_erased_and_the_trail_stays_whole(filled: Store) -> None:
    (kept,) = filled.studies.page(StudyQuery(tab="all", text="2.1")).rows
    gone = [entry.study for entry in filled.studies.page(StudyQuery(tab="all", text="p1")).rows]
    before = filled.audit.head()
    assert len(files(filled)) == 10
    removed = filled.removal.erase(patient="p1", actor="lea")
    assert (removed.studies, removed.films, removed.maps) == (2, 3, 3)
    assert [entry.study for entry in filled.studies.page(StudyQuery(tab="all")).rows] == [kept.study]
    assert len(files(filled)) == 4
    for study in gone:
        with pytest.raises(NotFoundError, match="may have been erased"):
            filled.studies.details(study)
    assert filled.audit.verify() is None and filled.audit.verify(before) is None
    with filled.database.reading() as connection:
        rows = [str(row) for row in connection.execute(sqlalchemy.text("SELECT subject, action, body FROM audit"))]
    assert sum("study.erased" in row for row in rows) == 2, "that it was done is on record"
    left = cells(filled)
    for secret in (
        filled.names.of("patient", "p1"),
        filled.names.of("accession", "A1.1"),
        filled.names.sealed("name", "p1.dcm"),
    ):
        assert secret not in left
    with pytest.raises(NotFoundError, match="no study of this patient"):
        filled.removal.erase(patient="p1", actor="lea")
    again = filled.films.receive(
        dicom_film(0, PatientID="p1", StudyInstanceUID="1.1", AccessionNumber="A1.1"), name="p1.dcm"
    )
    assert not again.already, "nothing remembers the film"


def test_nothing_of_the_erased_is_left_in_the_files(tmp_path: Path, judge_with: Callable[[Store], Judge]) -> None:
    with Store.open(tmp_path / "s", pseudonymise=False) as store:
        for number in range(30):
            store.films.receive(png(number), name=f"{number}-SECRET.png")
            judge_with(store)("read", PatientID=f"{number % 2}-SECRET", StudyInstanceUID=f"1.{number}")
        for patient in ("0-SECRET", "1-SECRET"):
            store.removal.erase(patient=patient, actor="lea")
        for path in (tmp_path / "s").rglob("*"):
            assert path.is_dir() or b"SECRET" not in path.read_bytes(), path


def test_one_study_can_be_erased(filled: Store, judged: Judged) -> None:
    image = judged(77)
    assert filled.removal.erase(study=image.study, actor="lea").films == 1
    assert len(filled.studies.page(StudyQuery(tab="all")).rows) == 3
    for how, said in (
        ({}, "either the patient, or the study"),
        ({"patient": "p1", "study": "s"}, "either the patient"),
    ):
        with pytest.raises(WorklistError, match=said):
            filled.removal.erase(**how, actor="lea")


@on_postgresql
def test_two_issuers_numbers_are_not_mixed_up(store: Store, judge: Judge) -> None:
    studies = []
    for number, issuer in enumerate(["north", "south"]):
        studies.append(store.films.receive(png(number), name="a").study)
        judge("read", PatientID="1", IssuerOfPatientID=issuer, StudyInstanceUID=f"1.{number}")
    with pytest.raises(NotAllowedError, match="Several issuers"):
        store.removal.erase(patient="1", actor="lea")
    store.removal.erase(patient="1", issuer="north", actor="lea")
    assert listed(store, "all") == studies[1:]


def test_what_was_done_with_long_ago_is_removed_and_nothing_else(store: Store, judged: Judged, clock: Clock) -> None:
    waiting = judged(1, "read").study
    on_top = judged(2, "not_scored").study
    judged(3, "clear")
    reported = judged(4, "read").study
    store.studies.claim(reported, "ann")
    look_and_report(store, reported, "ann", "normal")
    in_hand = judged(5, "read").study
    store.studies.claim(in_hand, "ann")
    clock.now += 40 * DAY
    fresh = judged(6, "clear").study
    for wrong, said in (
        (("to_read",), "are to read still wait"),
        (("in_reading",), "are in reading"),
        (("none",), "are none"),
    ):
        with pytest.raises(NotAllowedError, match=said):
            store.removal.retire(older_than_days=1, states=wrong, actor="lea")  # type: ignore[arg-type]
    for days in (0, 1e300, float("nan")):
        with pytest.raises(WorklistError, match="must be above 0, and at most 36,500 days"):
            store.removal.retire(older_than_days=days, actor="lea")
    with pytest.raises(WorklistError, match="must be above 0"):
        store.removal.count_old(older_than_days=1e300)
    assert store.removal.retire(older_than_days=41, actor="lea").studies == 0
    assert store.removal.retire(older_than_days=30, actor="lea").studies == 2
    assert set(listed(store, "all")) == {waiting, on_top, in_hand, fresh}
    assert store.audit.verify() is None


def tables(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Return every row but the database's own name, which a copy does not share."""
    with store.database.reading() as connection:
        return {
            table.name: [
                tuple(row)
                for row in connection.execute(sqlalchemy.select(table).order_by(*table.primary_key))
                if not (table is settings and row.name == SETTING)
            ]
            for table in metadata.sorted_tables
            if table is not sessions
        }


@pytest.mark.parametrize(
    "place, into",
    [
        ("sqlite", "postgresql"),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.nightly),
        pytest.param("sqlite", "sqlite", marks=pytest.mark.nightly),
        pytest.param("postgresql", "postgresql", marks=pytest.mark.nightly),
    ],
    indirect=["place"],
)
def test_a_backup_comes_back_into_either_database(
    filled: Store, into: str, make_place: MakePlace, tmp_path: Path, screener: Screener
) -> None:
    filled.accounts.sign_in("ann", "a long password")
    saved = back_up(filled, tmp_path / "backup")
    assert (saved.studies, saved.films, saved.maps, saved.damaged, saved.audit) == (3, 5, 5, (), None)
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0
    assert LIMITS in (tmp_path / "backup" / "backup.json").read_text()
    place = make_place(into)
    assert restore(tmp_path / "backup", place.where, films_folder=place.home) == saved
    with place.open(create=False) as back:
        assert tables(back) == tables(filled) and files(back) == files(filled)
        assert back.audit.verify(filled.audit.head()) is None
        assert [entry.study for entry in back.studies.page(StudyQuery(tab="all", text="p1")).rows] == [
            entry.study for entry in filled.studies.page(StudyQuery(tab="all", text="p1")).rows
        ], "the key came along"
        receipt = back.films.receive(png(50), name="goes on")
        assert Worker(back, lambda: screener).drain() == 1
        assert back.studies.page(StudyQuery(tab="all", text=receipt.study)).rows[0].state == "to_read"
        assert back.accounts.sign_in("ann", "a long password")
    with pytest.raises(NotAllowedError, match=r"already.*empty place"):
        restore(tmp_path / "backup", place.where, films_folder=place.home)
    with pytest.raises(NotAllowedError, match="Give each backup a folder of its own"):
        back_up(filled, tmp_path / "backup")


@on_postgresql
def test_a_backup_is_of_one_moment_while_films_come_in(store: Store, tmp_path: Path, make_place: MakePlace) -> None:
    over = threading.Event()

    def receive() -> int:
        number = 0
        while not over.is_set():
            store.films.receive(png(number), name=f"{number}")
            number += 1
        return number

    with ThreadPoolExecutor(1) as threads:
        sent = threads.submit(receive)
        try:
            while store.audit.head().seq < 8:
                over.wait(0.01)
            saved = back_up(store, tmp_path / "backup")
        finally:
            over.set()
        assert 8 <= saved.films <= sent.result()
    place = make_place("sqlite")
    restored = restore(tmp_path / "backup", place.where)
    assert restored.audit is None and restored.films == saved.films
    with place.open() as back:
        assert len(listed(back, "all")) == len(files(back)) == saved.films == back.audit.head().seq


def test_films_that_arrive_while_the_tables_are_read_do_not_stop_a_backup(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen_server.worklist import backup

    store.films.receive(png(0), name="0")
    real = backup._write_table
    arriving = iter([lambda: [store.films.receive(png(number), name=f"{number}") for number in range(1, 6)]])

    def write(*given: Any) -> Any:
        written = real(*given)  # the snapshot has begun
        for arrive in arriving:
            arrive()
        return written

    monkeypatch.setattr(backup, "_write_table", write)
    assert back_up(store, tmp_path / "backup").films == 1


def test_a_backup_never_keeps_who_was_erased_meanwhile(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen_server.worklist import backup

    real = backup.copy_checked
    erased: list[bool] = []

    def copy(*given: object) -> bool:
        if not erased:
            erased.append(bool(filled.removal.erase(patient="p1", actor="lea")))
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "copy_checked", copy)
    saved = back_up(filled, tmp_path / "backup")
    with filled.database.reading() as connection:
        there = set(connection.execute(sqlalchemy.select(films.c.sha256)).scalars())
    assert erased == [True] and saved.films == len(there) and not saved.damaged
    kept = {path.name for path in (tmp_path / "backup" / "films").rglob("*") if path.is_file()}
    assert kept == there, "an erased film is in no backup"
    assert restore(tmp_path / "backup", tmp_path / "again") == saved


def test_a_backup_during_which_studies_are_erased_again_and_again_is_given_up(
    filled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen_server.worklist import backup

    real = backup.copy_checked
    numbers = itertools.count(100)
    newest = filled.films.receive(png(next(numbers)), name="new")

    def copy(source: Path, folder: ContentFolder, digest: str) -> bool:
        nonlocal newest
        done = real(source, folder, digest)
        if digest == newest.sha256:
            filled.removal.erase(study=newest.study, actor="lea")
            newest = filled.films.receive(png(next(numbers)), name="new")
        return done

    monkeypatch.setattr(backup, "copy_checked", copy)
    with pytest.raises(BusyError, match="in each of 10 passes"):
        back_up(filled, tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


def test_damage_is_named_and_the_rest_is_saved(filled: Store, tmp_path: Path, make_place: MakePlace) -> None:
    film = filled.studies.details(filled.studies.page(StudyQuery(tab="all")).rows[0].study).films[0]
    filled.films.path(film.film).chmod(0o600)
    filled.films.path(film.film).write_bytes(b"rotten")
    assert back_up(filled, tmp_path / "backup").damaged == (film.sha256,)
    other = next(path for path in (tmp_path / "backup" / "films").rglob("*") if path.is_file())
    other.chmod(0o600)
    other.write_bytes(b"rotten too")
    place = make_place("sqlite")
    assert set(restore(tmp_path / "backup", place.where).damaged) == {film.sha256, other.name}
    with place.open() as back:
        assert len(listed(back, "all")) == 3


SPOILT: dict[str, Callable[[Path], object]] = {
    "no backup here": lambda folder: (folder / "backup.json").unlink(),
    "not the list of a backup's contents": lambda folder: (folder / "backup.json").write_text("[]"),
    "site.key: missing": lambda folder: (folder / "site.key").unlink(),
    r"audit\.jsonl: SHA-256 is .* altered": lambda folder: (folder / "tables" / "audit.jsonl").write_text("[]\n"),
    r"reports\.jsonl: missing": lambda folder: (folder / "tables" / "reports.jsonl").unlink(),
    "format 9; this version reads 1. Update unseen": lambda folder: change(folder, "format", 9),
    r"the schema is revision 0999, and this version of unseen knows up to \d+\. Update unseen": lambda folder: change(
        folder, "revision", "0999"
    ),
}


def test_what_is_no_sound_backup_is_refused_and_leaves_the_place_empty(tmp_path: Path, make_place: MakePlace) -> None:
    with make_place("sqlite").open() as store:
        store.films.receive(png(1), name="a")
        back_up(store, tmp_path / "good")
    place = tmp_path / "place"
    for number, (said, act) in enumerate(SPOILT.items()):
        bad = tmp_path / f"bad-{number}"
        shutil.copytree(tmp_path / "good", bad)
        act(bad)
        with pytest.raises(WorklistError, match=said):
            restore(bad, place)
    assert restore(tmp_path / "good", place).studies == 1, "the place is still empty"


def change(folder: Path, name: str, value: object) -> None:
    path = folder / "backup.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))


def test_tables_are_exported_for_whoever_counts(filled: Store, tmp_path: Path) -> None:
    counts = export_tables(filled, tmp_path / "out")
    assert counts == {"studies": 3, "findings": 5, "decisions": 10, "reports": 1}
    assert LIMITS in (tmp_path / "out" / "README.txt").read_text()
    for name, rows in counts.items():
        whole = pl.read_parquet(tmp_path / "out" / f"{name}.parquet")
        assert len(whole) == rows and pl.read_parquet_metadata(tmp_path / "out" / f"{name}.parquet")["limits"] == LIMITS
        read = pl.read_csv(tmp_path / "out" / f"{name}.csv", infer_schema=False)
        assert read.columns == whole.columns and len(read) == rows
    studies = pl.read_parquet(tmp_path / "out" / "studies.parquet")
    assert sorted(studies["state"]) == ["reported", "to_read", "to_read"]
    assert studies["received"].dtype == pl.Datetime("us", "UTC") and studies["films"].sum() == 5
    note = """a "note"; <b>with</b> ü 愛\nand a line"""
    assert pl.read_parquet(tmp_path / "out" / "reports.parquet")["note"].to_list() == [note]
    assert pl.read_csv(tmp_path / "out" / "reports.csv")["note"].to_list() == [note]
    said = "".join(path.read_text(errors="replace") for path in (tmp_path / "out").glob("*.csv"))
    assert "A1.1" not in said and filled.names.of("accession", "A1.1") in said


@on_postgresql
def test_an_empty_store_exports_empty_tables(store: Store, tmp_path: Path) -> None:
    assert set(export_tables(store, tmp_path).values()) == {0}
    assert len(pl.read_parquet(tmp_path / "findings.parquet")) == 0


def test_what_others_have_reported_is_imported_and_wrong_rows_are_named(filled: Store, tmp_path: Path) -> None:
    film = filled.studies.details(filled.studies.page(StudyQuery(tab="all", text="1.2")).rows[0].study).films[0]
    (reported,) = filled.studies.page(StudyQuery(tab="all", text="2.1")).rows
    table = tmp_path / "pacs.csv"
    table.write_text(
        "accession,film_sha256,outcome,note\n"
        'A1.1,,abnormal,"said, <b>so</b>"\n'
        f",{film.sha256},,\n"
        "A9,,normal,\n"
        "A1.2,,perhaps,\n"
        "A2.1,,normal,\n"
        ",xyz,,\n"
        ",,,\n",
        encoding="utf-8-sig",
    )
    done = import_elsewhere(filled, table, actor="pacs")
    assert (done.marked, done.already) == (2, 0)
    assert [refusal.line for refusal in done.refused] == [4, 5, 6, 7, 8]
    reasons = [refusal.reason for refusal in done.refused]
    for reason, said in zip(
        reasons,
        (
            "no study with this accession",
            "no such outcome",
            "is reported cannot be marked",
            "64 hexadecimal",
            "either the",
        ),
        strict=True,
    ):
        assert said in reason
    assert not any("A9" in reason for reason in reasons), "a reason repeats no number"
    assert listed(filled) == [] and reported.study in listed(filled, "reported")
    again = import_elsewhere(filled, table, actor="pacs")
    assert (again.marked, again.already, len(again.refused)) == (0, 2, 5)
    assert filled.audit.verify() is None


@on_both_databases
def test_an_import_refuses_another_outcome_and_adds_a_missing_one(store: Store, judge: Judge, tmp_path: Path) -> None:
    study = store.films.receive(dicom_film(1), name="1").study
    assert judge("read", 0.7, AccessionNumber="A1", StudyInstanceUID="1.2")
    table = tmp_path / "pacs.csv"

    def imported(rows: str) -> tuple[int, int, list[str]]:
        table.write_text(f"accession,outcome,note\n{rows}\n")
        done = import_elsewhere(store, table, actor="pacs")
        return done.marked, done.already, [one.reason for one in done.refused]

    def last() -> tuple[str | None, str]:
        report = store.studies.details(study).reports[-1]
        assert report.undone is None and report.elsewhere
        return report.outcome, report.note

    assert imported("A1,,") == (1, 0, [])
    assert imported("A1,normal,read again") == (1, 0, [])
    assert last() == ("normal", "read again")
    assert imported("A1,normal,\nA1,,") == (0, 2, [])
    marked, already, (reason,) = imported("A1,abnormal,")
    assert (marked, already) == (0, 0)
    assert reason.startswith("The study is reported elsewhere as normal, and this report is abnormal. A lead takes")
    assert last() == ("normal", "read again") and store.audit.verify() is None
    with pytest.raises(NotAllowedError, match="reported elsewhere as normal"):
        store.reports.reported_elsewhere(accession="A1", outcome="abnormal")
    store.reports.undo(study, "lea", as_lead=True)
    assert listed(store) == [study]
    assert imported("A1,abnormal,") == (1, 0, []) and last() == ("abnormal", "")


def test_a_withdrawal_takes_an_outcome_that_was_added_back(store: Store, judge: Judge) -> None:
    """The report without an outcome stayed next to the one with it, and kept the study off the list."""
    study = store.films.receive(dicom_film(1), name="1").study
    assert judge("read", 0.7, AccessionNumber="A1", StudyInstanceUID="1.2")
    assert store.outside_reports.take(sent(None)) == "closed"
    assert store.reports.reported_elsewhere(accession="A1", outcome="normal") == 1
    assert store.outside_reports.take(sent(None, status="withdrawn")) == "withdrawn"
    assert listed(store) == [study]
    assert all(report.undone is not None for report in store.studies.details(study).reports)


def test_a_table_that_is_none_is_a_sentence(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    for text, said in (
        (b"", "columns are missing"),
        (b"name,outcome\n", "columns are name, outcome"),
        (b"outcome,note\n", "with accession or film_sha256"),
        (b"accession,accession\n", "each once"),
        (b"accession\na,b\n", "line 2: 2 cells under 1 columns"),
        (b'accession\n"a\n', "not valid CSV"),
        (b"accession\n\xff\n", "not UTF-8"),
    ):
        path.write_bytes(text)
        with pytest.raises(WorklistError, match=said):
            import_elsewhere(store, path, actor="pacs")
    with pytest.raises(WorklistError, match="cannot be read"):
        import_elsewhere(store, tmp_path / "none.csv", actor="pacs")


def test_the_files_of_a_backup_are_what_they_are_called(filled: Store, tmp_path: Path) -> None:
    back_up(filled, tmp_path / "backup")
    for path in [*(tmp_path / "backup" / "films").rglob("*"), *(tmp_path / "backup" / "maps").rglob("*")]:
        if path.is_file():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
