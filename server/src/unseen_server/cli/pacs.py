"""`unseen pacs`: the DICOM node. `unseen pacs check|query|fetch|phantom`: what peers answer, and films to try with."""

from __future__ import annotations

import hashlib
import logging
import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from unseen.artifacts import number_of
from unseen.cli import UsageError, console
from unseen_server.cli.worklist_options import Folder, Url

if TYPE_CHECKING:
    from unseen_server.worklist.store import Store

_PHANTOM_SIDE = 512
pacs = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")

Config = Annotated[Path, typer.Option(help="the node's pacs.toml")]
PeerName = Annotated[str, typer.Argument(help="a peer's name in pacs.toml")]
Patient = Annotated[
    str, typer.Option(help="a patient's number; -: read it from standard input, so that no history holds it")
]
Accession = Annotated[str, typer.Option(help="an accession number")]
Study = Annotated[str, typer.Option(help="a StudyInstanceUID")]


@pacs.callback(invoke_without_command=True)
def run(
    context: typer.Context,
    config: Annotated[Path | None, typer.Option(help="the node's pacs.toml")] = None,
    folder: Annotated[Path | None, typer.Option(help="the worklist's folder; made where it is missing")] = None,
    url: Url = None,
) -> None:
    """Run the DICOM node: films come in from archives and modalities, and results go back.

    Peers, ports, TLS and limits stand in pacs.toml. Whoever is not in it by AE title and address is rejected. A film
    is acknowledged when it is on the disk; `unseen serve` or `unseen worker` on the same folder scores it. Stop the
    node with Ctrl-C or SIGTERM: objects in hand are finished.

    Research use only. Not a medical device. Not for diagnosis.

    Examples:

      unseen pacs --config pacs.toml --folder worklist

      unseen pacs check --config pacs.toml

      unseen pacs query archive --config pacs.toml --date 20260101-20260131

      unseen pacs fetch archive --config pacs.toml --folder worklist --csv studies.csv --per-minute 30
    """
    if context.invoked_subcommand is not None:
        if config is not None or folder is not None:
            raise UsageError(f"give --config and --folder after {context.invoked_subcommand}, not before it")
        return
    if config is None or folder is None:
        raise UsageError("--config and --folder are needed: unseen pacs --config pacs.toml --folder worklist")

    from unseen_server.pacs.config import load
    from unseen_server.pacs.node import Node

    known = load(config)
    stop = _stopped()
    with _opened(folder, url) as store, Node(known, store) as node:
        console.step(f"{known.ae_title} listens on {known.host}:{node.listener.port}; Ctrl-C stops")
        if node.listener.tls_port is not None:
            console.note(f"with TLS on {known.host}:{node.listener.tls_port}")
        if not known.peers:
            console.note(f"no [[peers]] in {config}: everybody is rejected")
        console.limits()
        stop.wait()
    console.note("stopped")


@pacs.command()
@console.with_output_options
def check(
    config: Config,
    peer: Annotated[str | None, typer.Argument(help="a peer's name in pacs.toml; default: all")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="the worklist's folder: also name tokens that could be narrowed")
    ] = None,
    url: Url = None,
) -> None:
    """Say whether the node listens, and peer by peer what works: connection, TLS, association, storage, commitment,
    queries, DICOMweb.

    With --folder it also names accounts that only ever sent films over HTTP: their tokens can do more than that, and
    could be narrowed to the role sender.

    The files that the table tls names are checked first: one that cannot be used ends the command with status 2.
    Nothing is stored at a peer, and the node need not run. The exit status is 1 where something does not work that
    pacs.toml relies on.

    Examples:

      unseen pacs check --config pacs.toml

      unseen pacs check archive --config pacs.toml

      unseen pacs check --config pacs.toml --folder worklist
    """
    from unseen_server.pacs.certificates import check as check_certificates
    from unseen_server.pacs.check import check as tried
    from unseen_server.pacs.check import listening, narrowable_accounts
    from unseen_server.pacs.config import load
    from unseen_server.worklist.store import Store

    known = load(config)
    check_certificates(known)
    asked = [(f"{known.ae_title} (this node)", listening(known))] if peer is None else []
    if folder is not None:
        with Store.open(url or folder, films_folder=folder, create=False) as store:
            asked.append((f"{folder} (accounts)", iter(list(narrowable_accounts(known, store)))))
    asked += [(one.name, tried(known, one)) for one in (known.peers if peer is None else [known.peer(peer)])]
    failed = 0
    for name, findings in asked:
        console.step(name)
        for found in findings:
            mark, colour = ("✓", typer.colors.GREEN) if found.works else ("✗", typer.colors.RED)
            if not found.works and not found.needed:
                mark, colour = "–", typer.colors.YELLOW
            facts = {"peer": name, "what": found.what, "works": found.works, "needed": found.needed}
            line = typer.style(f"  {mark} {found.what}: {found.sentence}", fg=colour)
            console.item("checks", line, facts | {"sentence": found.sentence})
            failed += found.needed and not found.works
    raise typer.Exit(1 if failed else 0)


@pacs.command()
def phantom(
    to: Annotated[Path, typer.Argument(help="the file to write, such as film.dcm")],
    seed: Annotated[int, typer.Option(min=0, help="another number is another patient and film")] = 0,
) -> None:
    """Write a simulated film as a DICOM file (DX For Presentation), to try a node or an archive with.

    Patient, study and film are the same for the same seed: sent twice, it is one film.

    Example:

      unseen pacs phantom film.dcm
    """
    from unseen.artifacts import replacing
    from unseen.data.phantoms import Case, Station, as_dicom, draw_exposed, draw_healthy

    if to.is_dir():
        raise UsageError(f"{to}: is a folder. Give the name of a file, such as {to / 'film.dcm'}")
    case = Case(seed=seed, stream="normal", index=0, size=_PHANTOM_SIDE, kind=None)
    healthy = draw_healthy(case)
    film = as_dicom(case, healthy, draw_exposed(case, healthy), Station(name="Phantoms", modality="DX"))
    with replacing(to) as temporary:
        temporary.write_bytes(film)
    console.result(f"{to}: a simulated film of patient {case.patient}")
    console.limits()


@pacs.command()
@console.with_output_options
def query(
    peer: PeerName,
    config: Config,
    patient: Patient = "",
    accession: Accession = "",
    study: Study = "",
    date: Annotated[str, typer.Option(help="a day 20260131, or a range 20260101-20260131")] = "",
) -> None:
    """List the studies of a peer that match, by C-FIND or QIDO-RS; the latest first.

    One line a study, separated by tabs: date, accession number, modalities, number of objects, StudyInstanceUID. Names
    of patients are not asked for.

    Examples:

      unseen pacs query archive --config pacs.toml --date 20260101-20260131

      unseen pacs query archive --config pacs.toml --patient - < number.txt
    """
    from unseen_server.pacs import peer_search
    from unseen_server.pacs.config import load

    if not (patient or accession or study or date):
        raise UsageError("say which studies: --patient, --accession, --study or --date")
    known = load(config)
    found = peer_search.studies(
        known,
        known.peer(peer),
        patient=_number(patient),
        accession=accession,
        study=study,
        dates=date,
    )
    for one in found:
        count = "" if one.instances is None else str(one.instances)
        console.item(
            "studies",
            "\t".join([one.date, one.accession, ",".join(one.modalities), count, one.uid]),
            {
                "date": one.date,
                "accession": one.accession,
                "modalities": list(one.modalities),
                "instances": one.instances,
                "study_uid": one.uid,
            },
        )
    console.note(number_of(len(found), "study"))


@pacs.command()
def fetch(
    peer: PeerName,
    config: Config,
    folder: Folder,
    url: Url = None,
    patient: Patient = "",
    accession: Accession = "",
    study: Study = "",
    csv: Annotated[Path | None, typer.Option(help="a table with a column study or accession: one study a line")] = None,
    column: Annotated[str | None, typer.Option(help="the table's column, where it has another name")] = None,
    date: Annotated[str, typer.Option(help="all studies with films of a day 20260131, or of 20260101-20260131")] = "",
    by: Annotated[
        Literal["get", "move", "wado"] | None,
        typer.Option(help="C-GET, C-MOVE to the running node, or WADO-RS; default: what the peer offers"),
    ] = None,
    per_minute: Annotated[float, typer.Option(help="studies a minute at most", min=0.01)] = 60.0,
    state: Annotated[
        Path | None, typer.Option(help="where --csv and --date keep what is done; default: in the worklist's folder")
    ] = None,
) -> None:
    """Fetch studies from a peer into the worklist: priors of a patient, a table of studies, or a range of days.

    With --csv and --date the same command continues where it stopped; what failed is tried again then. The exit status
    is 1 where a study did not come whole. --by move needs `unseen pacs` to run, and the peer to know where it listens.

    Examples:

      unseen pacs fetch archive --config pacs.toml --folder worklist --patient - < number.txt

      unseen pacs fetch archive --config pacs.toml --folder worklist --csv studies.csv --per-minute 30

      unseen pacs fetch archive --config pacs.toml --folder worklist --date 20260101-20260131 --by move
    """
    if sum(map(bool, (patient, accession, study, csv, date))) != 1:
        raise UsageError("say which studies by one of --patient, --accession, --study, --csv and --date")
    if column is not None and csv is None:
        raise UsageError("--column goes with --csv")

    from unseen_server.pacs import back_fill
    from unseen_server.pacs.config import load
    from unseen_server.pacs.intake import Intake

    known = load(config)
    asked = known.peer(peer)
    stop = _stopped()
    whole, broken = 0, 0
    with ExitStack() as stack:
        if csv is not None or date:
            wanted = back_fill.from_days(date) if csv is None else back_fill.from_table(csv, column=column)
            what = date if csv is None else f"{csv.resolve()} {column}"
            name = hashlib.sha256(f"{peer} {what}".encode()).hexdigest()[:12]
            progress = stack.enter_context(
                back_fill.FetchProgress.locked(state or folder / "back-fills" / f"{name}.json")
            )
        else:
            progress = back_fill.FetchProgress()
            wanted = [
                back_fill.FetchRequest(kind="patient", value=_number(patient), place="the patient")
                if patient
                else back_fill.FetchRequest(kind="accession", value=accession, place="the accession number")
                if accession
                else back_fill.FetchRequest(kind="study", value=study, place="the study")
            ]
        store = stack.enter_context(_opened(folder, url))
        intake = Intake(store, known)
        if len(progress):
            console.note(f"{number_of(len(progress), 'entry', 'was')} done before")
        filled = back_fill.back_fill(known, asked, wanted, intake, progress, by=by, per_minute=per_minute, stop=stop)
        for done in filled:
            whole, broken = whole + done.ok, broken + (not done.ok)
            if not done.ok:
                console.note(f"{done.place}: {done.why_not}")
    console.result(f"{number_of(whole, 'study')} fetched; {broken} not, or not whole.")
    if stop.is_set():
        console.note("stopped; the same command continues")
    console.limits()
    raise typer.Exit(1 if broken else 0)


def _opened(folder: Path, url: str | None) -> Store:
    """Open the worklist; the log warns of a new one, which is often a misspelt folder: nobody scores its films."""
    from unseen_server.worklist.belonging import KEY
    from unseen_server.worklist.store import Store

    known = (folder / KEY).exists()
    store = Store.open(url or folder, films_folder=folder, check="files")
    if not known:
        logging.getLogger("unseen").warning(
            "worklist.made folder=%s: there was no worklist here, as on the first start. Otherwise it is not the "
            "folder of `unseen serve`, and its films are not scored",
            folder.resolve(),
        )
    return store


def _stopped() -> threading.Event:
    """Set by SIGTERM and Ctrl-C. The event is waited for in pieces, as signals come in between."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    logging.getLogger("unseen").setLevel(logging.INFO)
    return stop


def _number(given: str) -> str:
    """Return a patient's number, from standard input where it is -."""
    return sys.stdin.readline().strip() if given == "-" else given
