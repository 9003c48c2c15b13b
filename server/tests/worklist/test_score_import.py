"""`unseen import-scores`: an archive's parts become a ranked list, each part once, and nothing is cleared."""

from __future__ import annotations

import csv
import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
import sqlalchemy

from tests.cli.conftest import Say, begin
from tests.worklist.conftest import MakePlace, Place, dicom_film, listed, png, rows_of
from unseen.artifacts.file_digest import sha256_of
from unseen.data.parquet_tables import TableReader
from unseen.runs.archive.plan import ArchiveError, ArchivePlan, part_path
from unseen.screening.decision import squashed_score
from unseen_server.worklist import score_import
from unseen_server.worklist.received_header import ReceivedHeader
from unseen_server.worklist.score_import import ACTION, ImportedScores, import_scores
from unseen_server.worklist.states import NotFoundError
from unseen_server.worklist.store import Store
from unseen_server.worklist.study_query import StudyQuery
from unseen_server.worklist.tables import audit, decisions, films, findings, studies

WEIGHTS = "5" * 64
CR = "1.2.840.10008.5.1.4.1.1.1"


class Archive:
    """A manifest with its films, and the parts of a run; `put` adds a film."""

    def __init__(self, folder: Path, *, part_size: int = 4, policy: bool = False) -> None:
        self.folder, self.parts, self.part_size, self.policy = folder, folder / "parts", part_size, policy
        self.manifest = folder / "manifest.csv"
        self.rows: list[dict[str, object]] = []
        self.views: dict[str, str] = {}
        self.parts.mkdir(parents=True)

    def put(self, name: str, data: bytes | None, score: float | None = 0.5, **row: object) -> None:
        if data is not None:
            (self.folder / name).write_bytes(data)
        scored = {"file": name, "status": "scored", "score": score, "reason": None, "map": None}
        digest = None if data is None else sha256_of(self.folder / name)
        more = {"probability": 0.1, "film_decision": "clear", "study": "0" * 32, "lateral": False}
        self.rows.append(scored | {"sha256": digest} | (more if self.policy else {}) | row)

    def write(self) -> None:
        with self.manifest.open("w", newline="", encoding="utf-8") as file:
            views = ([row["file"], "ward", self.views.get(str(row["file"]), "")] for row in self.rows)
            csv.writer(file).writerows([["file", "source", "view_position"], *views])
        ArchivePlan(
            manifest_sha256=sha256_of(self.manifest),
            films=len(self.rows),
            part_size=self.part_size,
            model="pca",
            model_sha256="c" * 64,
            weights_sha256=WEIGHTS,
            policy_sha256="d" * 64 if self.policy else None,
            version="0.3.0",
        ).save(self.parts)
        for start in range(0, len(self.rows), self.part_size):
            rows = self.rows[start : start + self.part_size]
            types = {"score": pl.Float64, "lateral": pl.Boolean, "probability": pl.Float64}
            columns = {name: types.get(name, pl.String) for name in rows[0]}
            pl.DataFrame(rows, schema=columns).write_parquet(part_path(self.parts, start // self.part_size))

    def into(self, store: Store) -> ImportedScores:
        return import_scores(store, self.parts, self.manifest, actor="ann (shell)")


@pytest.fixture(scope="module", autouse=True)
def reader_kept() -> Iterator[None]:
    """One reader for all imports of this process: the start of its child takes longer than the import of a part."""

    class Kept(TableReader):
        def __exit__(self, *error: object) -> None:
            """Keep the child for the next import."""

    kept = Kept()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_import, "TableReader", lambda: kept)
        yield
    kept.close()


@pytest.fixture
def archive(folder: Path) -> Archive:
    return Archive(folder / "archive")


def test_a_part_becomes_a_ranked_list_by_one_event(store: Store, archive: Archive) -> None:
    for number in range(10):
        archive.put(f"{number}.png", png(number), score=number / 10)
    archive.write()
    done = archive.into(store)
    assert (done.parts, done.films, done.already, done.refused.total()) == (3, 10, 0, 0)
    page = store.studies.page(StudyQuery(tab="to_read", blind=False))
    assert [row.score for row in page.rows] == sorted((number / 10 for number in range(10)), reverse=True)
    assert {row.state for row in page.rows} == {"to_read"} and {row.source for row in page.rows} == {"ward"}
    first = store.studies.details(page.rows[0].study, blind=False)
    [film] = first.films
    assert film.judged and film.sha256 == archive.rows[9]["sha256"]
    [finding] = film.findings
    assert (finding.model, finding.score) == (WEIGHTS, 0.9)
    assert page.rows[0].priority == pytest.approx(squashed_score(0.9))
    assert store.films.path(film.film).read_bytes() == png(9) and store.films.path(film.film).is_symlink()
    with store.database.reading() as connection:
        events = Counter(connection.execute(sqlalchemy.select(audit.c.action)).scalars())
    assert events == {ACTION: 3} and store.audit.verify() is None
    assert store.jobs.counts().waiting == 0, "nothing is scored again"
    assert store.sweep() == 0, "the links belong to films"


def test_importing_again_changes_nothing(store: Store, archive: Archive) -> None:
    for number in range(6):
        archive.put(f"{number}.png", png(number), score=number / 10)
    archive.put("gone.png", None, None, status="not_read", reason="There is no such file.")
    archive.write()
    first, head = archive.into(store), store.audit.head()
    assert first.films == 6 and [one.name for one in first.named] == ["gone.png"]
    again = archive.into(store)
    assert (again.parts, again.films, again.already) == (0, 0, 6) and again.refused == first.refused
    assert store.audit.head() == head and rows_of(store, films) == rows_of(store, findings) == 6
    (archive.folder / "gone.png").write_bytes(b"not a film")
    late = archive.into(store)
    assert (late.films, late.not_scored) == (1, 1), "a file that was missing comes in when it is there"


def test_a_run_with_a_policy_clears_nothing_either(store: Store, folder: Path) -> None:
    archive = Archive(folder / "archive", policy=True)
    archive.put("a.dcm", dicom_film(1, StudyInstanceUID="1.2.1", PatientID="p"), 0.1)
    archive.put("b.png", png(2), None, status="not_scored", reason="too dark", film_decision="not_scored")
    archive.write()
    archive.into(store)
    assert not store.studies.page(StudyQuery(tab="cleared")).rows
    assert [(row.state, row.policy) for row in store.studies.page(StudyQuery(tab="to_read", blind=False)).rows] == [
        ("not_scored", ""), ("to_read", ""),
    ]  # fmt: skip
    with store.database.reading() as connection:
        actions = set(connection.execute(sqlalchemy.select(decisions.c.action)).scalars())
    assert actions == {"read", "not_scored"}


def test_what_was_not_read_or_is_doubted_stands_on_top(store: Store, archive: Archive) -> None:
    archive.put("fine.png", png(1), 3.0)
    archive.put("torn.png", png(2)[:60], None, status="not_read", reason="The file is torn.", sha256=None)
    archive.put("doubted.png", png(3), 9.0, reason="too bright for the model")
    archive.write()
    assert archive.into(store).not_scored == 2
    rows = store.studies.page(StudyQuery(tab="to_read", blind=False)).rows
    assert [row.state for row in rows] == ["not_scored", "not_scored", "to_read"]
    assert {row.reason for row in rows[:2]} == {"The file is torn.", "too bright for the model"}
    assert all(row.score is None for row in rows[:2]), "the gate doubts it, so its score does not rank it"


def test_films_of_a_study_stand_together_across_parts(store: Store, archive: Archive) -> None:
    who = {"StudyInstanceUID": "1.2.7", "PatientID": "p7", "AccessionNumber": "A7"}
    archive.put("pa.dcm", dicom_film(1, **who, SOPInstanceUID="1.3.1"), 0.2)
    archive.put("lateral.dcm", dicom_film(2, **who, SOPInstanceUID="1.3.2", ViewPosition="LL"), 0.9, reason="a lateral")
    for number in range(3, 6):
        archive.put(f"{number}.png", png(number), 0.1)
    archive.put("late.dcm", dicom_film(9, **who, SOPInstanceUID="1.3.9"), 0.7)
    another = who | {"PatientID": "p8", "AccessionNumber": "A8"}
    archive.put("other.dcm", dicom_film(8, **another, SOPInstanceUID="1.3.8"), 0.4)
    archive.write()
    assert archive.into(store).films == 7
    [row] = store.studies.page(StudyQuery(tab="all", text="A7", blind=False)).rows
    assert (row.films, row.score, row.state) == (3, 0.7, "to_read"), "the lateral film decides nothing"
    assert rows_of(store, studies) == 5, "films of two patients are never joined"
    assert store.audit.verify() is None


def test_a_view_position_of_the_manifest_is_kept_where_the_header_has_none(store: Store, archive: Archive) -> None:
    archive.put("supine.png", png(1), 0.1)
    archive.put("side.png", png(2), 0.2)
    archive.put("silent.png", png(3), 0.3)
    archive.put("pa.dcm", dicom_film(4, StudyInstanceUID="1.2.4"), 0.4)
    archive.views = {"supine.png": "AP", "side.png": "LL", "pa.dcm": "AP"}
    archive.write()
    done = archive.into(store)
    assert done.films == 4
    assert done.contradictions.sentence == (
        "the manifest's view_position contradicts the DICOM header of 1 film: pa.dcm (manifest AP, header 'PA'). The "
        "header is used. Correct the manifest"
    )
    with store.database.reading() as connection:
        columns = (films.c.sha256, films.c.view_position, films.c.projection)
        kept = {
            sha256: (view, projection) for sha256, view, projection in connection.execute(sqlalchemy.select(*columns))
        }
    assert {row["file"]: kept[str(row["sha256"])] for row in archive.rows} == {
        "supine.png": ("AP", "frontal"), "side.png": ("LL", "lateral"), "silent.png": (None, "frontal"),
        "pa.dcm": ("PA", "frontal"),
    }  # fmt: skip
    page = store.studies.page(StudyQuery(tab="all", view="AP", blind=False))
    assert [row.score for row in page.rows] == [0.1]


def test_a_changed_file_and_a_second_instance_are_refused(store: Store, archive: Archive) -> None:
    archive.put("a.dcm", dicom_film(1, StudyInstanceUID="1.2.1", SOPInstanceUID="1.3.1"))
    archive.put("version.dcm", dicom_film(2, StudyInstanceUID="1.2.1", SOPInstanceUID="1.3.1"))
    archive.put("changed.png", png(3))
    archive.put("ct.dcm", dicom_film(4, SOPClassUID="1.2.840.10008.5.1.4.1.1.2"))
    archive.write()
    (archive.folder / "changed.png").write_bytes(png(4))
    done = archive.into(store)
    assert done.films == 1
    why = {one.name: one.reason for one in done.named}
    assert "SOP Instance UID" in why["version.dcm"] and "changed since" in why["changed.png"]
    assert "no film" in why["ct.dcm"]


def test_a_film_that_the_worklist_holds_stays_as_it_is(store: Store, archive: Archive) -> None:
    receipt = store.films.receive(png(1), name="1.png", source="door")
    archive.put("1.png", png(1), 0.9)
    archive.write()
    done = archive.into(store)
    assert (done.films, done.already, done.parts) == (0, 1, 0)
    study = store.studies.details(receipt.study, blind=False)
    assert study.entry.state == "received" and not study.films[0].findings, "its worker still has to score it"


def test_a_film_of_a_cleared_or_reported_study_opens_it(
    store: Store, archive: Archive, judge_with: object, place: Place
) -> None:
    enter = judge_with(store)  # type: ignore[operator]  # a fixture of the package's tests
    for number in (1, 2):
        header = ReceivedHeader(sop_class=CR, instance=f"1.3.{number}", study=f"1.2.{number}", patient="p")
        store.films.receive(dicom_film(number), name="a", source="ward", header=header, settle_s=0.0)
        enter("clear", 0.1, StudyInstanceUID=f"1.2.{number}", PatientID="p", SOPInstanceUID=f"1.3.{number}")
    cleared, reported = listed(store, "cleared")
    store.reports.reported_elsewhere(film_sha256=store.studies.details(reported).films[0].sha256, outcome="normal")
    uids = [store.studies.details(one) for one in (cleared, reported)]
    assert [one.entry.state for one in uids] == ["cleared", "reported_elsewhere"]
    archive.put("x.dcm", dicom_film(11, StudyInstanceUID="1.2.1", PatientID="p", SOPInstanceUID="1.3.11"), 0.3)
    archive.put("y.dcm", dicom_film(12, StudyInstanceUID="1.2.2", PatientID="p", SOPInstanceUID="1.3.12"), 0.3)
    archive.write()
    assert archive.into(store).films == 2
    assert [store.studies.details(one).entry.state for one in (cleared, reported)] == ["to_read", "to_read"]
    assert [store.studies.details(one).entry.films for one in (cleared, reported)] == [2, 2]
    assert store.audit.verify() is None


def test_a_linked_file_that_changes_is_not_shown(store: Store, archive: Archive) -> None:
    archive.put("1.png", png(1))
    archive.write()
    archive.into(store)
    [film] = store.studies.details(listed(store, "to_read")[0]).films
    file = archive.folder / "1.png"
    assert store.films.path(film.film).read_bytes() == png(1)
    file.write_bytes(png(2))
    with pytest.raises(NotFoundError, match="has changed since"):
        store.films.path(film.film)
    file.unlink()
    with pytest.raises(NotFoundError, match="is not there"):
        store.films.path(film.film)
    again = store.films.receive(png(1), name="1.png", source="door")
    assert again.already and store.films.path(film.film).read_bytes() == png(1), "a door brings the bytes back"


def test_what_cannot_be_imported_is_said_with_its_cure(store: Store, archive: Archive, folder: Path) -> None:
    archive.put("1.png", png(1))
    archive.write()
    with pytest.raises(ArchiveError, match="holds no parts"):
        import_scores(store, folder / "nowhere", archive.manifest, actor="ann")
    other = folder / "other.csv"
    other.write_text("file\n1.png\n")
    with pytest.raises(ArchiveError, match="not the manifest"):
        import_scores(store, archive.parts, other, actor="ann")
    plan = ArchivePlan.load(archive.parts)
    assert plan is not None
    plan.model_copy(update={"weights_sha256": None}).save(archive.parts)
    with pytest.raises(ArchiveError, match="Score again"):
        archive.into(store)
    plan.save(archive.parts)
    part_path(archive.parts, 0).unlink()
    assert archive.into(store).missing == 1


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.nightly)])
@pytest.mark.slow
def test_an_import_killed_in_the_middle_loses_and_doubles_nothing(
    make_place: MakePlace, archive: Archive, kind: str, tmp_path: Path, say: Say
) -> None:
    archive.part_size = 5
    for number in range(100):
        archive.put(f"{number}.png", png(number), number / 100)
    archive.write()
    place = make_place(kind)
    place.open().close()
    words: list[object] = ["import-scores", f"{archive.parts}/", "--data", archive.manifest, "--folder", place.home]
    if kind == "postgresql":
        words += ["--url", place.where]
    killed = 0
    for _ in range(2):
        started = begin(*words, err=tmp_path / "err")
        with place.open() as store:
            before = rows_of(store, films)
            while started.poll() is None and rows_of(store, films) == before:
                time.sleep(0.002)
        if started.poll() is None:
            os.kill(started.pid, signal.SIGKILL)
            killed += 1
        started.wait(30)
        with place.open() as store:
            assert rows_of(store, films) == rows_of(store, findings) and rows_of(store, films) % 5 == 0
            assert store.audit.verify() is None
    assert killed, (tmp_path / "err").read_text()
    last = say(*words)
    assert last.code == 0 and "0 refused" in last.out, last.err
    with place.open() as store:
        assert rows_of(store, films) == rows_of(store, findings) == rows_of(store, studies) == 100
        with store.database.reading() as connection:
            seals = connection.execute(sqlalchemy.select(audit.c.subject).where(audit.c.action == ACTION)).scalars()
            assert max(Counter(seals).values()) == 1
        head = store.audit.head()
        assert head.seq == 20 and store.audit.verify() is None
        assert {
            path.name for path in store.site.films.path.rglob("*") if path.is_symlink() and path.suffix != ".tmp"
        } >= {row["sha256"] for row in archive.rows}
    assert say(*words).code == 0
    with place.open() as store:
        assert store.audit.head() == head


@pytest.mark.parametrize("at", [15, *(pytest.param(at, marks=pytest.mark.nightly) for at in (7, 17, 49))])
def test_a_damaged_part_ends_its_reader_and_not_the_import(store: Store, archive: Archive, at: int) -> None:
    for number in range(4):
        archive.put(f"{number}.png", png(number))
    archive.write()
    path = part_path(archive.parts, 0)
    pl.read_parquet(path).write_parquet(path, compression="uncompressed")
    data = bytearray(path.read_bytes())
    data[at] ^= 1  # sizes and counts of the first page: an odd one is negative
    path.write_bytes(data)
    with pytest.raises(ArchiveError, match=r"part-00000000\.parquet: .*Delete it and run"):
        archive.into(store)
    assert rows_of(store, films) == 0


def test_a_part_with_endless_rows_is_refused_before_they_are_read(store: Store, archive: Archive) -> None:
    archive.put("0.png", png(0))
    archive.write()
    rows = 3_000_000
    path = part_path(archive.parts, 0)
    pl.select(file=pl.repeat("0.png", rows), status=pl.repeat("scored", rows), reason=pl.lit("")).write_parquet(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ArchiveError, match=r"part-00000000\.parquet: cannot be read \(it has 3,000,000 rows"):
        archive.into(store)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
