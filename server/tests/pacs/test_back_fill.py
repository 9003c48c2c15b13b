"""Studies from an archive: found, fetched by C-GET, C-MOVE and WADO, back-filled; and what a check says of peers."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pydicom import dcmread

from tests.cli.conftest import Say
from tests.pacs.conftest import (
    CR,
    StartNode,
    archive,
    dcmtk,
    film,
    free_port,
    in_bytes,
    peer,
)
from tests.pacs.orthanc_server import Orthanc, free_ports, start_orthanc
from unseen_server.pacs.back_fill import BackFillError, FetchProgress, FetchRequest, back_fill, from_days, from_table
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.check import check
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.fetching import Fetched, fetch
from unseen_server.pacs.intake import Intake
from unseen_server.pacs.peer_search import studies
from unseen_server.worklist.store import Store

Program = Callable[..., str]


class Filled:
    """An Orthanc that knows a node at `port`, with three studies of two patients: five films and one CT."""

    def __init__(self, orthanc: Orthanc, port: int) -> None:
        self.orthanc, self.port = orthanc, port
        for number, study, date, patient, more in (
            (1, "1.2.3.1", "20260101", "P1", {}),
            (2, "1.2.3.1", "20260101", "P1", {}),
            (3, "1.2.3.2", "20260102", "P1", {"SOPClassUID": CR, "Modality": "CR"}),
            (4, "1.2.3.3", "20260103", "P2", {}),
            (5, "1.2.3.4", "20260103", "P2", {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2", "Modality": "CT"}),
        ):
            tags = {"StudyDate": date, "PatientID": patient, "AccessionNumber": f"A{study[-1]}"} | more
            orthanc.put(in_bytes(film(number, study=study, **tags)))

    @property
    def peers(self) -> list[dict[str, Any]]:
        dimse = peer("archive", ae_title="ORTHANC", port=self.orthanc.dicom_port, dicomweb=self.orthanc.dicomweb)
        return [dimse, {"name": "web", "dicomweb": self.orthanc.dicomweb}]

    @property
    def config(self) -> PacsConfig:
        return PacsConfig.model_validate({"host": "127.0.0.1", "port": self.port, "peers": self.peers})


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Iterator[Filled]:
    (port,) = free_ports(1)
    folder = tmp_path_factory.mktemp("orthanc")
    modalities = {"node": ("TRIAGE", "127.0.0.1", port)}
    with start_orthanc(folder, modalities=modalities, program=program("Orthanc")) as orthanc:
        yield Filled(orthanc, port)


@pytest.fixture
def intake(folder: Path, filled: Filled) -> Iterator[Intake]:
    with Store.open(folder / "worklist") as store:
        yield Intake(store, filled.config)


def held(folder: Path) -> set[int]:
    """Return the numbers of the films that a worklist has."""
    with Store.open(folder / "worklist") as store:
        return {number for number in range(1, 6) if store.films.holds(f"1.2.3.4.{number}")}


BOTH = pytest.mark.parametrize("name", ["archive", "web"])


@BOTH
@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"patient": "P1"}, ["1.2.3.2", "1.2.3.1"]),
        ({"accession": "A3"}, ["1.2.3.3"]),
        ({"study": "1.2.3.1"}, ["1.2.3.1"]),
        ({"dates": "20260102-20260103"}, ["1.2.3.3", "1.2.3.2"]),
        ({"dates": "20260103", "films_only": False}, ["1.2.3.4", "1.2.3.3"]),
        ({"patient": "P3"}, []),
    ],
)
def test_studies_are_found_the_latest_first(filled: Filled, name: str, asked: dict[str, Any], found: list[str]) -> None:
    config = filled.config
    assert [one.uid for one in studies(config, config.peer(name), **asked)] == found


def test_c_find_finds_what_dcmtk_finds(filled: Filled, program: Program) -> None:
    keys = ("-k", "QueryRetrieveLevel=STUDY", "-k", "PatientID=P1", "-k", "StudyInstanceUID")
    titles = ("-aet", "TRIAGE", "-aec", "ORTHANC")
    done = dcmtk(program("findscu"), "-S", *titles, "127.0.0.1", filled.orthanc.dicom_port, *keys)
    theirs = set(re.findall(r"\(0020,000d\) UI \[([0-9.]+)", done.stdout + done.stderr))
    config = filled.config
    assert (
        {one.uid for one in studies(config, config.peer("archive"), patient="P1")} == theirs == {"1.2.3.1", "1.2.3.2"}
    )


@pytest.mark.parametrize(("name", "by"), [("archive", None), ("archive", "get"), ("web", None), ("archive", "wado")])
def test_a_study_is_fetched_whole_and_is_complete_then(
    filled: Filled, intake: Intake, folder: Path, name: str, by: Any
) -> None:
    config = filled.config
    assert fetch(config, config.peer(name), "1.2.3.1", intake, by=by) == Fetched(received=2, failed=0)
    assert held(folder) == {1, 2}
    with Store.open(folder / "worklist") as store:
        assert not store.studies.mark_complete("1.2.3.1", source=name, actor="test"), "it was still waited for"
        (kept, _) = (path for path in store.site.films.path.rglob("*") if path.is_file())
        number = int(str(dcmread(kept).SOPInstanceUID)[-1])
        assert dcmread(kept).pixel_array.tolist() == film(number).pixel_array.tolist()


def test_c_move_brings_a_study_to_the_running_node(filled: Filled, start_node: StartNode, folder: Path) -> None:
    node = start_node(port=filled.port, peers=filled.peers)
    fetched = fetch(node.node.config, node.node.config.peer("archive"), "1.2.3.1", node.node.intake, by="move")
    assert fetched == Fetched(received=2, failed=0)
    assert held(folder) == {1, 2}


def test_c_move_without_a_node_that_listens_is_a_failure(filled: Filled, intake: Intake, folder: Path) -> None:
    config = filled.config
    try:
        fetched = fetch(config, config.peer("archive"), "1.2.3.1", intake, by="move")
    except NotReachedError:
        pass
    else:
        assert fetched.received == 0 and fetched.failed
    assert held(folder) == set()


@pytest.mark.parametrize("name", ["archive", "web"])
def test_what_is_not_taken_is_counted(filled: Filled, intake: Intake, folder: Path, name: str) -> None:
    config = filled.config
    try:
        fetched = fetch(config, config.peer(name), "1.2.3.4", intake)
    except NotReachedError:
        fetched = Fetched(received=0, failed=1)
    assert (fetched.received, fetched.failed) == (0, 1)
    assert held(folder) == set()


def table(path: Path, text: str) -> list[FetchRequest]:
    path.write_text(text, encoding="utf-8")
    return from_table(path)


def test_a_back_fill_resumes_where_it_stopped(filled: Filled, intake: Intake, folder: Path, tmp_path: Path) -> None:
    config, state = filled.config, tmp_path / "state.json"
    wanted = table(tmp_path / "list.csv", "accession\nA1\nA9\nA2\nA3\n")
    stop = Event()
    with FetchProgress.locked(state) as progress:
        for done in back_fill(config, config.peer("archive"), wanted, intake, progress, per_minute=6000, stop=stop):
            assert done.ok, done
            stop.set()  # in the middle of the first
    assert held(folder) == {1, 2}
    assert "A1" not in state.read_text() and "1.2.3" not in state.read_text()
    with FetchProgress.locked(state) as progress:
        rest = list(back_fill(config, config.peer("archive"), wanted, intake, progress, per_minute=6000))
    assert [(done.place, done.ok) for done in rest] == [("line 3", False), ("line 4", True), ("line 5", True)]
    assert rest[0].why_not == "the peer has no such study"
    assert held(folder) == {1, 2, 3, 4}
    with FetchProgress.locked(state) as progress:  # what failed is tried again, nothing else
        again = list(back_fill(config, config.peer("archive"), wanted, intake, progress, per_minute=6000))
    assert [done.place for done in again] == ["line 3"]


def test_a_range_of_days_brings_their_films(filled: Filled, intake: Intake, folder: Path, tmp_path: Path) -> None:
    config = filled.config
    with FetchProgress.locked(tmp_path / "state.json") as progress:
        wanted = from_days("20260102-20260103")
        done = list(back_fill(config, config.peer("archive"), wanted, intake, progress, per_minute=6000))
    assert [(one.place, one.ok) for one in done] == [("day 20260102", True), ("day 20260103", True)]
    assert held(folder) == {3, 4}


def test_the_rate_is_kept(filled: Filled, intake: Intake) -> None:
    config = filled.config
    wanted = [FetchRequest(kind="study", value=f"1.2.3.{number}", place="") for number in (1, 2, 3)]
    waited: list[float] = []

    class Hurried(Event):
        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout or 0.0)
            return False

    list(back_fill(config, config.peer("archive"), wanted, intake, FetchProgress(), per_minute=0.01, stop=Hurried()))
    assert waited[0] == 0.0
    assert all(4000 < seconds <= 6000 * number for number, seconds in enumerate(waited[1:], 1))


def test_a_peer_that_goes_away_stops_the_back_fill(intake: Intake, tmp_path: Path) -> None:
    config = PacsConfig.model_validate({"peers": [peer("archive", port=free_port())]})
    wanted = table(tmp_path / "list.csv", "study\n1.2.3.1\n")
    with (
        FetchProgress.locked(tmp_path / "state.json") as progress,
        pytest.raises(NotReachedError, match="cannot be reached"),
    ):
        list(back_fill(config, config.peer("archive"), wanted, intake, progress))


def test_two_back_fills_do_not_share_a_record(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    with (
        FetchProgress.locked(state),
        pytest.raises(BackFillError, match="another back-fill"),
        FetchProgress.locked(state),
    ):
        pass
    with FetchProgress.locked(state):
        pass


def test_a_record_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text("[]")
    with pytest.raises(BackFillError, match="no record of a back-fill"):
        FetchProgress(tmp_path / "state.json")


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("patient\nP1\n", None, "has no column study or accession, but patient"),
        ("accession\nA1\n", "acession", "column acession: unknown; did you mean accession?"),
        ("", None, "has no column"),
    ],
)
def test_a_table_that_cannot_be_used_is_a_sentence(tmp_path: Path, text: str, column: str | None, said: str) -> None:
    (tmp_path / "list.csv").write_text(text)
    with pytest.raises(BackFillError, match=re.escape(said)):
        from_table(tmp_path / "list.csv", column=column)


def test_a_column_of_another_name_is_read_by_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("number\nA1\n\n1.2.840.1.2\n")
    found = from_table(tmp_path / "list.csv", column="number")
    assert [(one.kind, one.place) for one in found] == [("accession", "line 2"), ("study", "line 4")]


# check ----------------------------------------------------------------------------------------------------------------


def found_by(config: PacsConfig, name: str) -> dict[str, tuple[bool, bool]]:
    """Return for each attempt whether it works and whether it is needed."""
    return {one.what: (one.works, one.needed) for one in check(config, config.peer(name))}


def test_a_check_says_what_works_with_orthanc(filled: Filled) -> None:
    peers = [filled.peers[0] | {"send": ["sr", "capture"]}, filled.peers[1]]
    config = PacsConfig.model_validate({"peers": peers})
    assert found_by(config, "archive") == {
        "may connect": (True, True),
        "reachable": (True, True),
        "association": (True, True),
        "C-ECHO": (True, False),
        'send "sr"': (True, True),
        'send "capture"': (True, True),
        "storage commitment": (True, True),
        "C-FIND": (True, False),
        "C-MOVE": (True, False),
        "C-GET": (True, False),
        "DICOMweb": (True, True),
    }
    assert found_by(config, "web") == {"may connect": (True, True), "DICOMweb": (True, True)}


def sentences(peer_table: dict[str, Any]) -> dict[str, str]:
    config = PacsConfig.model_validate({"peers": [peer_table]})
    return {one.what: one.sentence for one in check(config, config.peers[0]) if one.needed and not one.works}


def test_a_check_says_what_a_plain_peer_lacks() -> None:
    with archive() as running:
        failed = sentences(peer("archive", port=running.port, send=["sr"]))
    assert set(failed) == {'send "sr"', "storage commitment"}
    assert 'confirm = "find" or "qido"' in failed["storage commitment"]


def test_a_check_says_why_a_peer_is_not_reached() -> None:
    assert "Connection refused" in sentences(peer("archive", port=free_port()))["reachable"]
    assert "has no address" in sentences(peer("archive", host="no-such-host.invalid", port=104))["reachable"]
    with archive(ae_title="ELSEWHERE") as running:
        assert "is not called ARCHIVE" in sentences(peer("archive", port=running.port))["association"]
    down = {"name": "web", "dicomweb": f"http://127.0.0.1:{free_port()}/"}
    assert "did not answer" in sentences(down)["DICOMweb"]


# the command ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def pacs_toml(filled: Filled, tmp_path: Path) -> Path:
    lines = [f'host = "127.0.0.1"\nport = {filled.port}\n']
    for one in filled.peers:
        lines += ["[[peers]]", *(f"{key} = {value!r}" for key, value in one.items())]
    path = tmp_path / "pacs.toml"
    path.write_text("\n".join(lines).replace("'", '"'), encoding="utf-8")
    return path


def test_the_command_checks_queries_and_fetches(say: Say, pacs_toml: Path, folder: Path) -> None:
    done = say("pacs", "check", "--config", pacs_toml)
    assert done.code == 0, done.err
    assert "C-ECHO: answered" in done.out
    done = say("pacs", "query", "archive", "--config", pacs_toml, "--date", "20260101-20260102")
    assert done.code == 0, done.err
    assert [line.split("\t") for line in done.out.splitlines()] == [
        ["20260102", "A2", "CR", "1", "1.2.3.2"],
        ["20260101", "A1", "DX", "2", "1.2.3.1"],
    ]
    where = ("--config", pacs_toml, "--folder", folder / "worklist")
    done = say("pacs", "fetch", "archive", *where, "--patient", "P1", "--per-minute", 6000)
    assert (done.code, done.out) == (0, "2 studies fetched; 0 not, or not whole.\n"), done.err
    assert held(folder) == {1, 2, 3}
    done = say("pacs", "fetch", "web", *where, "--date", "20260103", "--per-minute", 6000)
    assert (done.code, done.out) == (0, "1 study fetched; 0 not, or not whole.\n"), done.err
    done = say("pacs", "fetch", "web", *where, "--date", "20260103", "--per-minute", 6000)
    assert (done.code, done.out) == (0, "0 studies fetched; 0 not, or not whole.\n"), done.err


def test_a_number_from_standard_input_is_in_no_history(
    say: Say,
    pacs_toml: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("P2\n"))
    done = say("pacs", "query", "web", "--config", pacs_toml, "--patient", "-")
    assert done.code == 0 and done.out.split("\t")[-1] == "1.2.3.3\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("pacs", "query", "archive"), "say which studies"),
        (("pacs", "fetch", "archive", "--folder", "w"), "say which studies by one of"),
        (("pacs", "fetch", "archive", "--folder", "w", "--study", "1.2", "--column", "x"), "--column goes with --csv"),
        (("pacs", "query", "archiv", "--study", "1.2"), 'no peer is called "archiv"'),
    ],
)
def test_a_mistake_in_the_command_is_a_sentence(
    say: Say,
    pacs_toml: Path,
    words: tuple[str, ...],
    said: str,
) -> None:
    done = say(*words, "--config", pacs_toml)
    assert done.code == 2 and said in done.err


def test_the_check_shows_whether_the_node_listens(start_node: StartNode, say: Say, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "pacs.toml").write_text(f"port = {port}\n")
    done = say("pacs", "check", "--config", tmp_path / "pacs.toml")
    assert done.code == 0 and f"– listens: 127.0.0.1:{port}: Connection refused. Start `unseen pacs`" in done.out
    start_node(port=port)
    done = say("pacs", "check", "--config", tmp_path / "pacs.toml")
    assert done.code == 0 and f"✓ listens: a program listens on port {port}" in done.out


def test_the_check_names_a_tls_file_that_cannot_be_used(say: Say, tmp_path: Path) -> None:
    (tmp_path / "own.pem").write_text("no certificate")
    lines = [
        f"port = {free_port()}",
        "[tls]",
        f"port = {free_port()}",
        'certificate = "own.pem"',
        'key = "own.pem"',
        'ca = "own.pem"',
    ]
    (tmp_path / "pacs.toml").write_text("\n".join(lines))
    done = say("pacs", "check", "--config", tmp_path / "pacs.toml")
    assert done.code == 2 and f"tls.certificate: {tmp_path / 'own.pem'}" in done.err


def test_the_check_names_tokens_that_could_be_narrowed(say: Say, tmp_path: Path) -> None:
    (tmp_path / "pacs.toml").write_text(f"port = {free_port()}\n")
    words = ("pacs", "check", "--config", tmp_path / "pacs.toml", "--folder", tmp_path / "list")
    missing = say(*words)
    assert missing.code == 2 and "there is no worklist here" in missing.err
    with Store.open(tmp_path / "list") as store:
        store.accounts.add("sid", None, "sender", actor="ada", sources=["ward"])
        store.films.receive(b"film 1", name="a", source="ward", actor="sid")
    done = say(*words)
    assert done.code == 0 and "✓ accounts: every account that only sends films is a sender" in done.out
    with Store.open(tmp_path / "list") as store:
        store.accounts.add("ct-room", None, "reader", actor="ada")
        store.accounts.redeem(store.accounts.one_time_link("ct-room", "reader"))
        for number, source in ((2, "ward"), (3, "clinic")):
            store.films.receive(f"film {number}".encode(), name="a", source=source, actor="ct-room")
    done = say(*words)
    assert done.code == 0
    assert (
        "– account ct-room: has the role reader and 1 open token, and only ever sent films (2, as clinic, ward). Give "
        "it the role sender with these sources" in done.out
    )


def test_a_phantom_is_a_film_that_a_node_takes_once(
    start_node: StartNode, say: Say, program: Callable[..., str], tmp_path: Path
) -> None:
    path, node = tmp_path / "film.dcm", start_node()
    for seed, films in ((0, 1), (0, 1)):
        done = say("pacs", "phantom", path, "--seed", seed)
        assert done.code == 0 and done.out == f"{path}: a simulated film of patient phantom-normal-{seed}-0\n"
        sent = dcmtk(program("dcmsend"), "-aet", "WARD", "-aec", "TRIAGE", "127.0.0.1", node.port, path)
        assert sent.returncode == 0, sent.stderr
        assert node.films() == films
    done = say("pacs", "phantom", tmp_path)
    assert done.code == 2 and "is a folder. Give the name of a file" in done.err


def test_the_check_of_a_peer_that_is_down_ends_with_one(say: Say, tmp_path: Path) -> None:
    (tmp_path / "pacs.toml").write_text(
        f'[[peers]]\nname = "a"\nae_title = "A"\nhost = "127.0.0.1"\nport = {free_port()}'
    )
    assert say("pacs", "check", "--config", tmp_path / "pacs.toml").code == 1
    assert say("pacs", "--config", tmp_path / "pacs.toml").code == 2
    assert say("pacs", "--config", tmp_path / "pacs.toml", "check").code == 2
