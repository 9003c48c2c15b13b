"""A database that is empty, damaged, or not the one of the films next to it is named, and nothing is changed."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from tests.cli.conftest import Say
from tests.worklist.conftest import MakePlace, execute, png
from unseen_server.service.watched_folder import FolderWatch
from unseen_server.worklist import Store, damage, tables
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.belonging import DATABASE
from unseen_server.worklist.database import Database
from unseen_server.worklist.states import DamagedError, NotAllowedError
from unseen_server.worklist.study_query import StudyQuery

PAGE = 4096
FILMS = 12
COMMANDS = {
    "backup": ("backup", "TO"),
    "export": ("export", "TO"),
    "audit": ("audit", "verify"),
    "head": ("audit", "head"),
    "import": ("import", "CSV"),
    "erase": ("erase", "--study", "s-0123456789abcdef0123", "--yes"),
    "retire": ("retire", "--older-than", "1", "--yes"),
    "invite": ("invite", "ann"),
    "restore": ("restore", "SAVED"),
    "worker": ("worker", "models/pca"),
    "pacs": ("pacs", "--config", "TOML"),
}


@pytest.fixture(scope="module")
def filled(sqlite_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a worklist with some films, for copies; nothing waits in SQLite's journal."""
    home = tmp_path_factory.mktemp("filled") / "home"
    home.mkdir()
    shutil.copy(sqlite_file, home)
    with Store.open(home) as store:
        for number in range(FILMS):
            store.films.receive(png(number), name=f"{number}")
        store.database.forget_overwritten()
    return home


@pytest.fixture
def home(filled: Path, folder: Path) -> Path:
    """A copy of the worklist with some films, the test's own."""
    return Path(shutil.copytree(filled, folder / "home"))


@pytest.fixture(scope="module")
def backed_up(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a worklist, `home`, of which there is a backup, `saved`, and one film that came after it."""
    folder = tmp_path_factory.mktemp("backed-up")
    shutil.copytree(filled, folder / "home")
    with Store.open(folder / "home") as store:
        back_up(store, folder / "saved")
        store.films.receive(png(FILMS), name="after the backup")
        store.database.forget_overwritten()
    return folder


def films_of(home: Path) -> set[str]:
    return {path.name for path in (home / "films").glob("??/*")}


def truncated(file: Path) -> None:
    file.write_bytes(b"")


def halved(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def other_file(file: Path) -> None:
    file.write_bytes(b"this is no database " * 500)


def page_overwritten(file: Path) -> None:
    """A page of the table of films, as by a disk that wrote elsewhere."""
    with sqlite3.connect(file) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'films'").fetchone()
    connection.close()
    data = bytearray(file.read_bytes())
    data[(root - 1) * PAGE : root * PAGE] = b"\xa5" * PAGE
    file.write_bytes(data)


def page_zeroed(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'audit'").fetchone()
    connection.close()
    data = bytearray(file.read_bytes())
    data[(root - 1) * PAGE : root * PAGE] = bytes(PAGE)
    file.write_bytes(data)


def deleted(file: Path) -> None:
    for path in file.parent.glob(f"{file.name}*"):
        path.unlink()


def schema_emptied(file: Path) -> None:
    """A sound SQLite database without a table."""
    file.unlink()
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE one (number)")
        connection.execute("DROP TABLE one")
    connection.close()


def table_dropped(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE drafts")
    connection.close()


def revision_lost(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()


def settings_lost(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DELETE FROM settings")
    connection.close()


EMPTY = [truncated, deleted, schema_emptied]
DAMAGED = [*EMPTY, halved, other_file, page_overwritten, page_zeroed, table_dropped, revision_lost, settings_lost]


@pytest.mark.parametrize("harm", DAMAGED)
def test_damage_is_reported_with_cause_and_remedy_and_no_film_is_removed(
    home: Path, harm: Callable[[Path], None]
) -> None:
    harm(home / DATABASE)
    before = films_of(home)
    with pytest.raises(DamagedError, match=rf"{DATABASE}: .*unseen restore BACKUP --folder NEW") as raised:
        Store.open(home, check="files").close()
    assert "\n" not in str(raised.value)
    assert films_of(home) == before and len(before) == FILMS


@pytest.mark.parametrize("harm", EMPTY)
def test_an_empty_database_is_not_filled_by_any_opening(home: Path, harm: Callable[[Path], None]) -> None:
    harm(home / DATABASE)
    with pytest.raises(DamagedError, match=f"films holds {FILMS} films"):
        Store.open(home).close()
    with pytest.raises(DamagedError):
        Store.open(home).close()


def test_an_emptied_file_is_named_as_such_and_gets_no_byte(home: Path) -> None:
    """A first connection would write the header of a new database, and hide what has happened."""
    truncated(home / DATABASE)
    with pytest.raises(DamagedError, match=r"the database is empty \(0 bytes\)"):
        Store.open(home).close()
    assert (home / DATABASE).stat().st_size == 0
    assert not list(home.glob(f"{DATABASE}-*")), "and no journal lies next to it"


def of_each(harm: Callable[[Path], None], *names: str) -> list[Any]:
    """Return every command with this damage; `make test` runs those named."""
    return [
        pytest.param(harm, words, id=f"{name}-{harm.__name__}", marks=[pytest.mark.nightly] * (name not in names))
        for name, words in COMMANDS.items()
    ]


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        *of_each(page_overwritten, *COMMANDS),
        *of_each(truncated, "worker", "pacs", "restore"),
        *of_each(halved, "backup", "erase"),
    ],
)
def test_a_command_on_a_damaged_worklist_ends_in_one_sentence(
    backed_up: Path, harm: Callable[[Path], None], words: tuple[str, ...], say: Say, tmp_path: Path
) -> None:
    home = Path(shutil.copytree(backed_up / "home", tmp_path / "home"))
    shutil.copytree(backed_up / "saved", tmp_path / "saved")
    (tmp_path / "reported.csv").write_text("accession,outcome\nA1,normal\n")
    (tmp_path / "pacs.toml").write_text('ae_title = "UNSEEN"\nport = 0\n')
    harm(home / DATABASE)
    places = {"TO": tmp_path / "to", "SAVED": tmp_path / "saved", "CSV": tmp_path / "reported.csv"}
    places["TOML"] = tmp_path / "pacs.toml"
    answer = say(*(places.get(word, word) for word in words), "--folder", home)
    assert answer.code == 2 and "Traceback" not in answer.err
    sentence = answer.err.splitlines()[-1]
    assert sentence.startswith("unseen: ") and str(home) in sentence and "estore" in sentence
    assert len(films_of(home)) == FILMS + 1


def test_the_remedy_works_as_it_is_written(home: Path, say: Say, tmp_path: Path) -> None:
    assert say("backup", tmp_path / "saved", "--folder", home).code == 0
    page_overwritten(home / DATABASE)
    answer = say("backup", tmp_path / "next", "--folder", home)
    (words,) = re.findall("`unseen (restore .*)`", answer.err)
    words = words.replace("BACKUP", str(tmp_path / "saved")).replace("NEW", str(tmp_path / "new"))
    assert say(*words.split()).code == 0
    with Store.open(tmp_path / "new", check="files") as store:
        assert store.jobs.counts().waiting == FILMS and store.sweep() == 0


def test_a_damage_that_comes_while_the_store_is_open_is_reported_as_one(home: Path) -> None:
    with Store.open(home) as store:
        store.database.close()  # no connection holds the file's pages
        table_dropped(home / DATABASE)
        with pytest.raises(DamagedError, match="no such table"):
            store.reports.keep_draft(store.studies.page(StudyQuery(tab="all", limit=1)).rows[0].study, "ann", "words")
        store.database.close()
        page_overwritten(home / DATABASE)
        with pytest.raises(DamagedError, match="unseen restore"):
            store.studies.page(StudyQuery(tab="all", text="f-0123456789abcdef0123", limit=1))
            back_up(store, home.with_name("saved"))


def test_an_older_copy_of_the_database_is_reported_before_a_sweep_removes_films(home: Path) -> None:
    shutil.copy(home / DATABASE, home.with_name("older"))
    with Store.open(home) as store:
        store.films.receive(png(100), name="later")
        store.database.forget_overwritten()
    shutil.copy(home.with_name("older"), home / DATABASE)
    with pytest.raises(DamagedError, match=r"ends at row \d+, and .*audit\.head knows row \d+"):
        Store.open(home, check="files").close()


def test_the_database_of_another_worklist_is_reported(home: Path, make_place: MakePlace) -> None:
    other = make_place("sqlite")
    with other.open() as store:
        for number in range(FILMS + 5):
            store.films.receive(png(1000 + number), name=f"{number}")
        store.database.forget_overwritten()
    shutil.copy(other.home / DATABASE, home / DATABASE)
    shutil.copy(other.home / "site.key", home / "site.key")
    with pytest.raises(DamagedError, match=r"is not the one that .*audit"):
        Store.open(home, check="files").close()
    (home / "audit.head").unlink()
    with pytest.raises(DamagedError, match=f"{FILMS + 5} of the {FILMS + 5} films that the tables know are missing"):
        Store.open(home, check="files").close()


def test_a_folder_of_mostly_unknown_films_is_reported(home: Path) -> None:
    for number in range(200):
        name = f"{number:064x}"
        (home / "films" / name[:2]).mkdir(exist_ok=True)
        (home / "films" / name[:2] / name).touch()
    with pytest.raises(DamagedError, match="the tables do not know 200 of them"):
        Store.open(home, check="files").close()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_films_and_attachments_are_compared_with_the_folder_by_one_statement(
    make_place: MakePlace, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The digests of each of two subfolders come in several batches; a third one has no row."""
    monkeypatch.setattr(damage, "_BATCH", 2)
    place = make_place(kind)
    with place.open() as store:
        films = [f"{'a0' if number % 2 else '0a'}{number:062x}" for number in range(FILMS)]
        for number, digest in enumerate(films):
            store.films.receive(png(number), name=f"{number}")
            received = tables.films.c.sha256 == hashlib.sha256(png(number)).hexdigest()
            with store.database.writing() as connection:
                connection.execute(tables.films.update().where(received).values(sha256=digest))
        shutil.rmtree(place.home / "films")
        attached = [f"0a{number:062x}" for number in range(100, 104)]
        empty = dict.fromkeys(("sop_class", "source", "changed"), "") | {"bytes": 0, "received_us": 0}
        with store.database.writing() as connection:
            for digest in attached:
                connection.execute(tables.attachments.insert().values(public_id=digest, sha256=digest, **empty))
        unknown = [f"0b{number:062x}" for number in range(65)]
        for digest in (*films[:6], *attached, *unknown):
            (place.home / "films" / digest[:2]).mkdir(parents=True, exist_ok=True)
            (place.home / "films" / digest[:2] / digest).touch()
        asked: list[str] = []
        sqlalchemy.event.listen(store.database.engine, "before_cursor_execute", lambda *of: asked.append(of[2]))
        with pytest.raises(DamagedError, match="holds 75 files, and the tables do not know 65 of them"):
            damage.check_films(store.database, place.home)
        assert len([statement for statement in asked if statement != "BEGIN"]) == 1
        for digest in unknown:
            (place.home / "films" / digest[:2] / digest).unlink()
        damage.check_films(store.database, place.home)
        for digest in attached:
            (place.home / "films" / digest[:2] / digest).unlink()
        with pytest.raises(DamagedError, match="10 of the 16 films that the tables know are missing"):
            damage.check_films(store.database, place.home)


def test_films_that_a_killed_process_left_are_no_damage(home: Path) -> None:
    for number in range(FILMS + 1):
        name = f"{number:064x}"
        (home / "films" / name[:2]).mkdir(exist_ok=True)
        (home / "films" / name[:2] / name).touch()
    with Store.open(home, check="files") as store:
        assert store.sweep() == FILMS + 1


def test_a_sound_worklist_passes_every_check_on_both_databases(make_place: MakePlace) -> None:
    for kind in ("sqlite", "postgresql"):
        place = make_place(kind)
        for _ in range(2):
            with place.open(check="files") as store:
                store.films.receive(png(1), name="a")


def test_a_restore_does_not_give_up_films_that_the_backup_does_not_know(home: Path, tmp_path: Path) -> None:
    with Store.open(home) as store:
        back_up(store, tmp_path / "saved")
        store.films.receive(png(100), name="later")
    (home / DATABASE).unlink()
    with pytest.raises(NotAllowedError, match=r"1 film that the backup does not know.*empty folder"):
        restore(tmp_path / "saved", home)
    assert len(films_of(home)) == FILMS + 1 and not (home / DATABASE).exists()


def test_a_restored_older_backup_is_no_damage(home: Path, tmp_path: Path) -> None:
    with Store.open(home) as store:
        back_up(store, tmp_path / "saved")
        for number in range(5):
            store.accounts.add(f"reader-{number}", None, "reader", actor="ada")
    (home / DATABASE).unlink()
    restore(tmp_path / "saved", home)
    Store.open(home, check="files").close()


@pytest.mark.parametrize("harm", ["tables", "rows", "one table"])
def test_an_emptied_postgresql_database_is_damage(make_place: MakePlace, harm: str) -> None:
    place = make_place("postgresql")
    with place.open() as store:
        for number in range(FILMS):
            store.films.receive(png(number), name=f"{number}")
    database = sqlalchemy.make_url(place.where)
    if harm == "tables":
        execute(database, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    elif harm == "rows":
        execute(database, "TRUNCATE settings CASCADE")
    else:
        execute(database, "DROP TABLE drafts CASCADE")
    with pytest.raises(DamagedError, match="unseen restore BACKUP --folder NEW --url postgresql"):
        place.open(check="files").close()
    assert len(films_of(place.home)) == FILMS


def test_a_table_dropped_under_an_open_postgresql_store_is_damage(make_place: MakePlace) -> None:
    place = make_place("postgresql")
    with place.open() as store:
        store.films.receive(png(1), name="a")
        execute(sqlalchemy.make_url(place.where), "DROP TABLE films CASCADE")
        with pytest.raises(DamagedError, match=r"relation .films. does not exist"):
            store.jobs.counts()
            store.studies.page(StudyQuery(tab="all", limit=3))


def test_text_that_is_no_text_is_damage(home: Path) -> None:
    with sqlite3.connect(home / DATABASE) as connection:
        connection.execute("UPDATE films SET name = CAST(x'ff41' AS TEXT)")
    connection.close()
    with Store.open(home, check="files") as store, pytest.raises(DamagedError, match="decode"):
        back_up(store, home.with_name("saved"))
    assert not home.with_name("saved").exists()


def test_the_remedy_of_each_database_is_its_own(home: Path, postgresql: sqlalchemy.URL) -> None:
    assert "--url" not in Database(home / DATABASE).remedy and "--url" in Database(postgresql).remedy


@pytest.mark.parametrize(
    ("table", "content"),
    [
        pytest.param("films", "", marks=pytest.mark.nightly),
        pytest.param("films", "[1, 2", marks=pytest.mark.nightly),
        ("films", '["id"]\n[1, 2]\n'),
        ("films", '["no_such"]\n[1]\n'),
        pytest.param("other", "[]\n", marks=pytest.mark.nightly),
    ],
)
def test_a_backup_whose_table_is_none_ends_in_a_sentence(
    home: Path, tmp_path: Path, say: Say, table: str, content: str
) -> None:
    with Store.open(home) as store:
        back_up(store, tmp_path / "saved")
    manifest = json.loads((tmp_path / "saved" / "backup.json").read_text())
    (tmp_path / "saved" / "tables" / f"{table}.jsonl").write_text(content)
    manifest["tables"][table] = {"rows": 1, "sha256": hashlib.sha256(content.encode()).hexdigest()}
    (tmp_path / "saved" / "backup.json").write_text(json.dumps(manifest))
    answer = say("restore", tmp_path / "saved", "--folder", tmp_path / "new")
    assert answer.code == 2 and f"{table}.jsonl: not a table of a backup" in answer.err
    assert "Traceback" not in answer.err


def test_a_row_whose_digest_is_none_is_damage(home: Path, say: Say, tmp_path: Path) -> None:
    with sqlite3.connect(home / DATABASE) as connection:
        connection.execute("UPDATE films SET sha256 = '../../etc/passwd' WHERE id = 1")
    connection.close()
    answer = say("backup", tmp_path / "saved", "--folder", home)
    assert answer.code == 2 and "not a SHA-256" in answer.err and "restore a backup" in answer.err
    assert not (tmp_path / "saved").exists()


def test_films_of_the_old_folder_are_received_again_from_a_watched_one(home: Path, tmp_path: Path) -> None:
    with Store.open(home) as store:
        back_up(store, tmp_path / "saved")
        store.films.receive(png(100), name="after the backup")
    restore(tmp_path / "saved", tmp_path / "new")
    watched = tmp_path / "incoming" / "ward"
    watched.mkdir(parents=True)
    for path in (home / "films").glob("??/*"):
        shutil.copy(path, watched)
    with Store.open(tmp_path / "new", check="files") as store:
        watch = FolderWatch(store, tmp_path / "incoming", settled_s=0)
        for _ in range(2):
            watch.look()
        assert films_of(tmp_path / "new") == films_of(home)
        assert store.jobs.counts().waiting == FILMS + 1
