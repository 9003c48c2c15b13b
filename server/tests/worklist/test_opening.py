"""Opening: schemas from nothing and from earlier revisions, later ones refused, the key, and what is a pseudonym."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.worklist.conftest import (
    Judge,
    Place,
    brought_back,
    dicom_film,
    on_both_databases,
    own_on_both_databases,
    png,
)
from unseen.screening.screener import Screener
from unseen_server.worklist.film_worker import Worker
from unseen_server.worklist.schema import OLDEST, newest, revision
from unseen_server.worklist.states import NotFoundError, WorklistError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import films, metadata


@on_both_databases
def test_the_migrations_build_the_tables_that_the_code_knows(place: Place) -> None:
    with place.open() as store, store.database.reading() as connection:
        assert revision(connection) == newest()
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
        names = set(sqlalchemy.inspect(connection).get_table_names())
        checks = {
            (table, check["name"])
            for table in names
            for check in sqlalchemy.inspect(connection).get_check_constraints(table)
        }
        assert names == {*metadata.tables, "alembic_version"}
        assert checks == {
            (table.name, str(check.name))
            for table in metadata.tables.values()
            for check in table.constraints
            if isinstance(check, sqlalchemy.CheckConstraint)
        }


OLD = """
INSERT INTO settings VALUES ('plain', '1'), ('key', '{key}'), ('waiting_cap_s', '86400.0');
INSERT INTO studies (id, public_id, source, state, standing, shelf, band, rank, received_us, changed_us, films,
    audit_sample, reason, score_rank)
    VALUES (1, 's-00000000000000000001', 'ward', 'received', 'received', 'to_read', 2, 0, 5, 5, 1, {no}, '', 0);
INSERT INTO films (id, public_id, study_id, sha256, bytes, name, source, received_us, judged, tags)
    VALUES (1, 'f-00000000000000000001', 1, '{sha256}', {bytes}, 'a.png', 'ward', 5, {no}, '{{}}');
INSERT INTO jobs (film_id, state, tries, due_us, reason) VALUES (1, 'open', 0, 0, '')
"""


@own_on_both_databases
def test_a_store_of_release_0_2_is_brought_up_to_date(own_place: Place, screener: Screener) -> None:
    """Its rows as release 0.2 wrote them: they are kept, and its films can be scored."""
    with own_place.open(pseudonymise=False) as made:  # for its key
        fingerprint = made.names.fingerprint
        receipt = made.films.receive(png(1), name="a.png")
        size = made.films.path(receipt.film_id).stat().st_size
    no = "0" if own_place.kind == "sqlite" else "false"
    rows = OLD.format(key=fingerprint, sha256=receipt.sha256, bytes=size, no=no)
    with brought_back(own_place, OLDEST, rows).open(create=False) as store:
        with store.database.reading() as connection:
            assert revision(connection) == newest()
            row = connection.execute(sqlalchemy.select(films)).one()
        assert (row.sha256, row.look, row.statistics) == (receipt.sha256, None, None)
        with pytest.raises(NotFoundError, match="how this film looks"):
            store.findings.nearest(row.public_id)
        assert Worker(store, lambda: screener).drain() == 1
        assert store.findings.nearest(row.public_id) == []
        (film,) = store.studies.details("s-00000000000000000001", blind=False).films
        assert film.findings[0].score is not None and store.films.thumbnail(film.film)


def test_an_empty_folder_becomes_a_store_and_stays_one(tmp_path: Path) -> None:
    with Store.open(tmp_path / "new" / "store") as store:
        study = store.films.receive(b"film", name="a").study
    with Store.open(str(tmp_path / "new" / "store"), create=False) as store:
        assert [entry.study for entry in store.studies.page(StudyQuery(tab="all")).rows] == [study]


def test_a_store_that_must_be_there_is_not_made(place: Place) -> None:
    with pytest.raises(NotFoundError, match="no worklist here"):
        place.open(create=False)
    assert not (place.home / "site.key").exists()


@own_on_both_databases
def test_a_later_schema_is_refused_and_left_alone(own_place: Place) -> None:
    with own_place.open() as store, store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(WorklistError, match=f"revision 0999.*knows up to {newest()}.*Update unseen"):
        own_place.open()


def test_several_processes_may_begin_a_store_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: Store.open(tmp_path / "s"), range(4)))
    assert len({store.names.key for store in opened}) == 1
    for store in opened:
        store.close()


def test_what_is_no_place_for_a_store_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "worklist.sqlite").write_bytes(b"not a database, " * 100)
    for where, said in (
        (tmp_path / "file", "is a file"),
        (tmp_path / "damaged", "no sound SQLite database"),
        ("mysql://host/name", "mysql: not a database that worklists are kept in"),
        ("postgresql://host:port/name", "cannot be read"),
        ("postgresql://host/name", "say where films lie"),
    ):
        with pytest.raises(WorklistError, match=said):
            Store.open(where)


def test_the_key_is_the_owners_alone_and_has_to_be_there(place: Place) -> None:
    with place.open() as store:
        key = store.names.key
    path = place.home / "site.key"
    assert path.stat().st_mode & 0o777 == 0o600 and path.read_bytes() == key and len(key) == 32
    path.write_bytes(bytes(32))
    with pytest.raises(WorklistError, match="key of another store"):
        place.open()
    path.write_bytes(b"short")
    with pytest.raises(WorklistError, match="5 bytes, a site key has 32"):
        place.open()
    path.unlink()
    with pytest.raises(WorklistError, match=r"missing.*from a backup"):
        place.open()


def test_a_store_stays_with_or_without_pseudonyms(place: Place) -> None:
    place.open(pseudonymise=False).close()
    assert place.open().names.plain
    with pytest.raises(WorklistError, match="made without pseudonyms, and stays so"):
        place.open(pseudonymise=True)


IDENTITY = {"PatientID": "4711-SECRET", "AccessionNumber": "A-SECRET-1", "StudyInstanceUID": "1.2.9876543.1"}


def everything(store: Store) -> str:
    """Return every cell of every table, and every file's name."""
    with store.database.reading() as connection:
        cells = [str(row) for table in metadata.sorted_tables for row in connection.execute(sqlalchemy.select(table))]
    return "\n".join([*cells, *(str(path) for path in store.home.rglob("*"))])


@pytest.mark.parametrize("plain", [False, True], ids=["pseudonyms", "plain"])
def test_what_names_a_patient_is_kept_as_a_pseudonym_or_as_it_is(store: Store, judge: Judge, plain: bool) -> None:
    store.names.plain = plain
    receipt = store.films.receive(dicom_film(1), name="4711-SECRET.dcm")
    assert judge("read", **IDENTITY)
    kept = everything(store)
    for secret in (*IDENTITY.values(), "4711-SECRET.dcm"):
        assert (secret in kept) == plain, secret
    for found_by in (*IDENTITY.values(), "4711-SECRET.dcm", receipt.film_id, receipt.study):
        assert [entry.study for entry in store.studies.page(StudyQuery(tab="all", text=f" {found_by} ")).rows] == [
            receipt.study
        ], found_by
    assert store.studies.page(StudyQuery(tab="all", text="A-SECRET-2")).rows == ()


def test_another_site_has_other_pseudonyms(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a") as one, Store.open(tmp_path / "b") as other:
        assert one.names.of("patient", "1") != other.names.of("patient", "1")
        assert one.names.of("patient", "1") != one.names.of("accession", "1"), "kinds do not mix"


def test_importing_the_worklist_package_imports_no_database() -> None:
    code = "import sys, unseen_server.worklist; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "alembic", "argon2", "torch"} & set(done.stdout.split())
