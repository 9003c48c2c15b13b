"""Both databases for every test of the store; small films, real ones of their kind; a real screener."""

from __future__ import annotations

import functools
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import argon2
import numpy as np
import pytest
import sqlalchemy
import torch

from benchmarks.made_up_list import fill
from tests.cli.conftest import say  # noqa: F401  a fixture
from tests.data.making import dicom, image
from tests.engines import connections_kept, share_compiled_statements
from tests.kept_lungs import kept_lungs
from tests.once import made_once, shared_folder
from tests.warm_python import quick_passwords
from tests.worklist.postgresql import MEMORY, binaries, server
from unseen.anatomy.network_view import View
from unseen.data.film import Film
from unseen.data.phantoms import normals
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load
from unseen.screening.decision import FIRST_PRIORITY, Decision
from unseen.screening.screened import Screened
from unseen.screening.screener import Screener
from unseen_server.worklist import jobs
from unseen_server.worklist.belonging import DATABASE, MARKER
from unseen_server.worklist.database import Database, url_of
from unseen_server.worklist.film_result import FilmScreening
from unseen_server.worklist.receiving import Receipt
from unseen_server.worklist.result_batch import EntryRules
from unseen_server.worklist.result_record import record_alone
from unseen_server.worklist.schema import upgrade
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import metadata, studies

PCA = "models/pca"

share_compiled_statements()


@dataclass(frozen=True)
class Place:
    """Place of a store: `where` for the database, `home` for everything else."""

    where: str
    home: Path

    @property
    def kind(self) -> str:
        return "postgresql" if "://" in self.where else "sqlite"

    def open(self, **settings: Any) -> Store:
        return Store.open(self.where, films_folder=self.home, **settings)


@dataclass
class Clock:
    """A time that tests set; it moves a millisecond with each look, as time does."""

    now: float = field(default=1_800_000_000.0)

    def __call__(self) -> float:
        self.now += 1e-3
        return self.now


def remove_by_age(store: Store, clock: Clock, *, days: int) -> int:
    """Let so many days pass with a check on each, as on a running server; returns how many studies went."""
    removed = 0
    for _ in range(days):
        removed += store.removal.retire_by_age()
        clock.now += 86_400 - 60
    return removed + store.removal.retire_by_age()


@pytest.fixture(scope="session")
def postgresql(program: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlalchemy.URL]:
    """A running server; its databases `empty` and `shared` have the schema and no rows."""
    programs = binaries() or Path(program("initdb")).parent

    def make(folder: Path) -> None:
        with server(programs, keep=folder / "data") as url:
            execute(url, "CREATE DATABASE empty")
            template = Database(url.set(database="empty", drivername="postgresql+psycopg"))
            upgrade(template)
            template.close()
            execute(url, "CREATE DATABASE shared TEMPLATE empty")

    made = made_once(shared_folder(tmp_path_factory) / "postgresql", make)
    with server(programs, begin_with=made / "data") as url, connections_kept(_shared(url)):
        yield url


def _shared(url: sqlalchemy.URL) -> sqlalchemy.URL:
    return url.set(database="shared", drivername="postgresql+psycopg")


@pytest.fixture(scope="session")
def sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the schema and no rows."""

    def make(folder: Path) -> None:
        template = Database(folder / DATABASE)
        upgrade(template)
        template.close()

    return made_once(shared_folder(tmp_path_factory) / "sqlite", make) / DATABASE


def execute(url: sqlalchemy.URL, *statements: str) -> None:
    engine = sqlalchemy.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


@pytest.fixture(scope="module", autouse=True)
def usual_hasher() -> Iterator[Callable[[], argon2.PasswordHasher]]:
    """Password hasher of the tests: that of the program with its smallest settings."""
    with quick_passwords() as usual:
        yield usual


@pytest.fixture(scope="module", autouse=True)
def lungs_found_once() -> Iterator[None]:
    """The lung finder is asked once for each image."""
    with kept_lungs():
        yield


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one: stores wait for their disk, and there are many of them here."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


MakePlace = Callable[[str], Place]


@pytest.fixture
def make_place(request: pytest.FixtureRequest, folder: Path) -> MakePlace:
    """`make_place("sqlite")`, `make_place("postgresql")`: a new empty place of that kind, the test's alone."""
    return lambda kind: _new_place(request, folder, kind)


def _new_place(request: pytest.FixtureRequest, folder: Path, kind: str) -> Place:
    home = folder / f"{kind}-{secrets.token_hex(3)}"
    if kind == "sqlite":
        home.mkdir()
        shutil.copy(request.getfixturevalue("sqlite_file"), home)
        return Place(str(home), home)
    url: sqlalchemy.URL = request.getfixturevalue("postgresql")
    name = f"t{secrets.token_hex(6)}"
    execute(url, f"CREATE DATABASE {name} TEMPLATE empty")
    return Place(url.set(database=name).render_as_string(hide_password=False), home)


FilledOnce = Callable[[str, Callable[[Store], object]], Store]


@pytest.fixture(scope="session")
def filled_once(request: pytest.FixtureRequest) -> Iterator[FilledOnce]:
    """`filled_once("sqlite", fill)`: a store that `fill` has filled, once a session, for tests that only read it."""
    made: dict[tuple[str, Callable[[Store], object]], Store] = {}
    with ExitStack() as until_the_end:
        folder = Path(until_the_end.enter_context(tempfile.TemporaryDirectory(dir=MEMORY)))

        def of(kind: str, fill: Callable[[Store], object]) -> Store:
            if (kind, fill) not in made:
                store = until_the_end.enter_context(_new_place(request, folder, kind).open(clock=Clock()))
                fill(store)
                made[kind, fill] = store
            return made[kind, fill]

        yield of


def fill_long_list(store: Store) -> None:
    """4,000 studies, some of those to read assigned to reader-0."""
    fill(store, studies=4000, seed=2)
    with store.database.writing() as connection:
        some = (studies.c.shelf == "to_read") & (studies.c.id % 40 == 0)
        connection.execute(sqlalchemy.update(studies).where(some).values(assigned_to="reader-0"))


SQLITE_AT_LEAST = ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)]
POSTGRESQL_AT_LEAST = [pytest.param("sqlite", marks=pytest.mark.nightly), "postgresql"]


@pytest.fixture(params=POSTGRESQL_AT_LEAST)
def many(request: pytest.FixtureRequest, filled_once: FilledOnce) -> Store:
    """A long list, for tests that only read it; `make nightly` has it on SQLite, too."""
    return filled_once(request.param, fill_long_list)


@pytest.fixture(params=SQLITE_AT_LEAST)
def own_place(request: pytest.FixtureRequest, make_place: MakePlace) -> Place:
    """An empty place whose schema a test may spoil."""
    return make_place(request.param)


@pytest.fixture(params=SQLITE_AT_LEAST)
def place(request: pytest.FixtureRequest, make_place: MakePlace, folder: Path) -> Place:
    """An empty place.

    `make test` runs tests on SQLite, except those that are marked `on_postgresql`, which together send all of the
    store's statements to PostgreSQL and run there instead, and a few that are marked `on_both_databases`.
    `make nightly` has all tests on both.
    """
    if request.param == "sqlite":
        return make_place("sqlite")
    url = _shared(request.getfixturevalue("postgresql"))
    _empty(Database(url))
    return Place(url.render_as_string(hide_password=False), folder / "postgresql")


def brought_back(place: Place, revision: str, rows: str) -> Place:
    """Replace the database of a closed store by one of an earlier revision with these rows."""
    url = url_of(place.where)
    if url is None:
        for path in place.home.glob(f"{DATABASE}*"):
            path.unlink()
        where = place.where
    else:
        name = f"{url.database}_old"
        execute(url.set(database="postgres"), f"CREATE DATABASE {name}")
        url = url.set(database=name)
        (place.home / MARKER).unlink()  # which no earlier version wrote
        where = url.set(drivername="postgresql").render_as_string(hide_password=False)
    old = Database(place.home / DATABASE if url is None else url)
    upgrade(old, to=revision)
    with old.writing() as connection:
        for statement in rows.split(";\n"):
            connection.exec_driver_sql(statement)
    old.close()
    return replace(place, where=where)


on_postgresql = pytest.mark.parametrize("place", POSTGRESQL_AT_LEAST, indirect=True)
on_both_databases = pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
own_on_postgresql = pytest.mark.parametrize("own_place", POSTGRESQL_AT_LEAST, indirect=True)
own_on_both_databases = pytest.mark.parametrize("own_place", ["sqlite", "postgresql"], indirect=True)


def _empty(database: Database) -> None:
    """Remove every row: a new database takes half a second. DELETE would leave gaps that new rows fill in any order."""
    names = [table.name for table in metadata.sorted_tables]
    asked = ", ".join(f"EXISTS (SELECT FROM {name})" for name in names)
    with database.engine.begin() as connection:
        found = connection.exec_driver_sql(f"SELECT {asked}").one()
        if filled := ", ".join(name for name, has_rows in zip(names, found, strict=True) if has_rows):
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # without the trail's triggers
            connection.exec_driver_sql(f"TRUNCATE {filled} CASCADE")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(place: Place, clock: Clock) -> Iterator[Store]:
    with place.open(clock=clock, patience_s=20.0) as opened:
        yield opened


@pytest.fixture(scope="session")
def screener() -> Screener:
    torch.set_num_threads(1)
    return Screener(load(PCA))


@pytest.fixture(scope="session")
def second() -> Pca:
    """Another model than `screener`'s: it sees the whole film, on a small grid, and needs no lungs."""
    torch.set_num_threads(1)
    return Pca(view=View(size=32, frame="whole"), components=5).fit(normals(8, seed=1, size=64))


@pytest.fixture
def small_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB, or of the size that is the parameter."""
    folder = tmp_path / "small"
    folder.mkdir()
    size = f"size={getattr(request, 'param', '600k')}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", folder], capture_output=True, text=True)
    if done.returncode:
        from conftest import absent  # pytest's; a script in a folder with a conftest has that one under this name

        absent(f"No small file system can be mounted here ({done.stderr.strip()}).")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@functools.cache
def png(number: int) -> bytes:
    """Return a small image; another number is another one."""
    pixels = np.random.default_rng(number).integers(0, 255, (40, 40), dtype=np.uint8)
    return image(pixels)


def dicom_film(number: int, **tags: Any) -> bytes:
    """Return a small DICOM film with these tags."""
    plain = all(isinstance(value, str | int | None) for value in tags.values())
    return _kept_film(number, **tags) if plain else _film(number, **tags)


def _film(number: int, **tags: Any) -> bytes:
    pixels = np.random.default_rng(number).integers(0, 4095, (48, 48), dtype=np.uint16)
    return dicom(pixels, bits=12, **{"ViewPosition": "PA"} | tags)


_kept_film = functools.cache(_film)  # a millisecond each


def film_of(job: jobs.Job, *, view: str, identifiers: dict[str, str], pixel_sha256: str = "") -> Film:
    """Return a worker's record of a film, without its pixels."""
    return Film(
        name=job.film,
        pixels=np.zeros((0, 0), np.float32),
        source=job.source,
        patient=job.film,
        study=job.film,
        bits=8,
        view_position=view,
        file_sha256=job.sha256,
        pixel_sha256=pixel_sha256 or job.sha256,
        file_bytes=0,
        file_format="dicom",
        identifiers=identifiers,
    )


def decision(action: str, priority: float = 0.5, reason: str = "so it was decided") -> Decision:
    if action == "not_scored":
        return Decision(
            action="not_scored",
            score=None,
            probability=None,
            p_value=None,
            priority=FIRST_PRIORITY,
            reason=reason,
            policy_digest="",
        )
    return Decision(
        action=action,  # type: ignore[arg-type]
        score=priority,
        probability=priority,
        p_value=1 - priority,
        priority=priority,
        reason=reason,
        policy_digest="p",
    )


Judge = Callable[..., bool]


@pytest.fixture
def judge_with(screener: Screener) -> Callable[[Store], Judge]:
    """`judge_with(store)("clear", 0.1, StudyInstanceUID="1.2")`: the film that has waited longest is judged so, as a
    worker would enter it; False where none was due."""

    def of(store: Store) -> Judge:
        def enter(
            action: str,
            priority: float = 0.5,
            *,
            audit_share: float = 0.0,
            view: str = "PA",
            reason: str = "so",
            pixel_sha256: str = "",
            header: Mapping[str, Any] | None = None,
            **identifiers: str,
        ) -> bool:
            job = jobs.claim(store.site)
            if job is None:
                return False
            film = film_of(job, view=view, identifiers=identifiers, pixel_sha256=pixel_sha256)
            film = replace(film, **(header or {}))
            screened = Screened(film=film, decision=decision(action, priority, reason))
            with store.writing() as writing:
                return record_alone(
                    writing,
                    job,
                    FilmScreening(screened=screened, model="m" * 64, map_sha256=None),
                    EntryRules(judge=screener.study, audit_share=audit_share, worker="worker"),
                )

        return enter

    return of


@pytest.fixture
def judge(store: Store, judge_with: Callable[[Store], Judge]) -> Judge:
    """`judge_with` of this test's store."""
    return judge_with(store)


Judged = Callable[..., Receipt]


@pytest.fixture
def judged(store: Store, judge: Judge) -> Judged:
    """`judged(3, "read", 0.7)`: film 3 is received and judged so."""

    def make(number: int, action: str = "read", priority: float = 0.5, *, source: str = "ward", **how: Any) -> Receipt:
        receipt = store.films.receive(png(number), name=f"{number}.png", source=source)
        assert judge(action, priority, **how)
        return receipt

    return make


def rows_of(store: Store, table: sqlalchemy.Table) -> int:
    """Number of a table's rows."""
    with store.database.reading() as connection:
        return connection.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(table)).scalar_one()


def listed(store: Store, tab: Any = "to_read", **how: Any) -> list[str]:
    """Return every study of a tab, page by page."""
    found: list[str] = []
    page = store.studies.page(StudyQuery(tab=tab, limit=7, **how))
    while True:
        found += [entry.study for entry in page.rows]
        if page.next is None:
            return found
        page = store.studies.page(StudyQuery(tab=tab, limit=7, after=page.next, **how))
