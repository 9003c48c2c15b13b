"""A worklist's folder belongs to one database: with another, or with none named, it is refused and left alone."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest
import sqlalchemy

from tests.cli.conftest import Say
from tests.worklist.conftest import MakePlace, Place, execute, png
from unseen_server.worklist.backup import back_up, restore
from unseen_server.worklist.belonging import DATABASE, MARKER
from unseen_server.worklist.database import Database
from unseen_server.worklist.schema import upgrade
from unseen_server.worklist.states import NotAllowedError, NotFoundError, WorklistError
from unseen_server.worklist.store import Store


@pytest.fixture
def site(make_place: MakePlace) -> Place:
    """A worklist in PostgreSQL with one film."""
    place = make_place("postgresql")
    with place.open() as store:
        store.films.receive(png(1), name="a")
    return place


@pytest.fixture
def empty(postgresql: sqlalchemy.URL) -> str:
    """The URL of a database without a table."""
    name = f"t{secrets.token_hex(6)}"
    execute(postgresql, f"CREATE DATABASE {name}")
    return postgresql.set(database=name).render_as_string(hide_password=False)


def tables_of(url: str) -> list[str]:
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        return sqlalchemy.inspect(engine).get_table_names()
    finally:
        engine.dispose()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("backup", "TO"), id="backup"),
        pytest.param(("invite", "ann", "--role", "admin"), id="invite", marks=pytest.mark.nightly),
        pytest.param(("audit", "verify"), id="audit", marks=pytest.mark.nightly),
        pytest.param(("export", "TO"), id="export", marks=pytest.mark.nightly),
        pytest.param(("restore", "SAVED"), id="restore", marks=pytest.mark.nightly),
        pytest.param(("retire", "--older-than", "1", "--yes"), id="retire", marks=pytest.mark.nightly),
    ],
)
def test_a_command_without_the_url_is_refused_and_makes_no_file(
    site: Place, words: tuple[str, ...], say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNSEEN_URL", raising=False)
    with site.open() as store:
        back_up(store, tmp_path / "saved")
    where = {"TO": tmp_path / "to", "SAVED": tmp_path / "saved"}
    answer = say(words[0], *(where.get(word, word) for word in words[1:]), "--folder", site.home)
    assert answer.code == 2 and answer.err.count("\n") == 1
    assert f"{site.home / MARKER}: " in answer.err and "UNSEEN_URL" in answer.err
    assert not list(site.home.glob(f"{DATABASE}*")) and not (tmp_path / "to").exists()
    answer = say("backup", tmp_path / "to", "--folder", site.home, "--url", site.where)
    assert (answer.code, answer.out) == (0, f"1 study, 1 film, 0 maps saved in {tmp_path / 'to'}\n")


def test_a_folder_of_an_earlier_version_is_not_given_a_second_database(site: Place) -> None:
    (site.home / MARKER).unlink()
    for create in (True, False):
        with pytest.raises(WorklistError, match=rf"site\.key and no {DATABASE}.*UNSEEN_URL"):
            Store.open(site.home, create=create)
    assert not (site.home / DATABASE).exists()
    with site.open(create=False) as store:
        assert store.jobs.counts().waiting == 1
    assert (site.home / MARKER).exists(), "the next opening with the URL writes it"


def test_the_file_names_the_database_without_user_and_password(site: Place) -> None:
    url = sqlalchemy.make_url(site.where)
    (site.home / MARKER).unlink()
    with_password = url.set(password="s3cret").render_as_string(hide_password=False)
    with Store.open(with_password, films_folder=site.home):
        pass
    written = (site.home / MARKER).read_text()
    assert f"/{url.database}" in written and "s3cret" not in written and "unseen@" not in written
    assert (site.home / MARKER).stat().st_mode & 0o077 == 0


def test_another_address_of_the_same_database_is_the_same(site: Place) -> None:
    with Store.open(site.where + "&application_name=other", films_folder=site.home, create=False) as store:
        assert store.jobs.counts().waiting == 1


def test_an_empty_database_is_refused_and_stays_empty(site: Place, empty: str) -> None:
    for create in (True, False):
        with pytest.raises(WorklistError, match=rf"{MARKER}: .*is empty.*UNSEEN_URL"):
            Store.open(empty, films_folder=site.home, create=create)
    (site.home / MARKER).unlink()
    with pytest.raises(NotFoundError, match="no worklist"):
        Store.open(empty, films_folder=site.home, create=False)
    assert tables_of(empty) == []


def test_the_database_of_another_worklist_is_refused(site: Place, make_place: MakePlace, tmp_path: Path) -> None:
    with site.open() as store:
        back_up(store, tmp_path / "saved")
    copy = make_place("postgresql")
    restore(tmp_path / "saved", copy.where, films_folder=copy.home)
    for where, home in ((site.where, copy.home), (copy.where, site.home)):
        with pytest.raises(WorklistError, match=rf"{MARKER}: .*another worklist.*remove"):
            Store.open(where, films_folder=home)
    with copy.open(create=False) as store:
        assert store.jobs.counts().waiting == 1


def test_a_folder_with_its_own_file_is_not_opened_over_an_empty_database(tmp_path: Path, empty: str) -> None:
    with Store.open(tmp_path / "site") as store:
        store.films.receive(png(1), name="a")
    with pytest.raises(WorklistError, match=rf"{DATABASE}: .*unseen restore"):
        Store.open(empty, films_folder=tmp_path / "site")
    assert tables_of(empty) == []
    with Store.open(tmp_path / "site", create=False) as store:
        assert store.jobs.counts().waiting == 1


def test_a_worklist_moves_between_databases_in_its_own_folder(tmp_path: Path, empty: str) -> None:
    with Store.open(tmp_path / "site") as store:
        store.films.receive(png(1), name="a")
        back_up(store, tmp_path / "saved")
    restore(tmp_path / "saved", empty, films_folder=tmp_path / "site")
    with Store.open(empty, films_folder=tmp_path / "site", create=False) as store:
        assert store.jobs.counts().waiting == 1
    with pytest.raises(WorklistError, match="UNSEEN_URL"):
        Store.open(tmp_path / "site")
    with pytest.raises(NotAllowedError, match="UNSEEN_URL"):
        restore(tmp_path / "saved", tmp_path / "site")


def test_a_backup_of_films_that_its_tables_do_not_know_fails(make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place("sqlite")
    with place.open() as store:
        for number in range(3):
            store.films.receive(png(number), name=f"{number}")
        other = Database(tmp_path / "other.sqlite")
        upgrade(other)
        known, store.database = store.database, other
        with pytest.raises(NotAllowedError, match=r"3 films.*tables know 0.*UNSEEN_URL"):
            back_up(store, tmp_path / "saved")
        other.close()
        store.database = known
        assert not (tmp_path / "saved").exists()
        assert back_up(store, tmp_path / "saved").films == 3
