"""Script that made the store of version 0.2 next to it: phantoms, a worklist in many states, SQLite and PostgreSQL.

It was run once, at the last commit of one package (`python tests/regression/store-0.2/make_store.py`), and what it
wrote stays as it is: later versions must open it. It does not run with a later version; a new version gets a store of
its own. The films, the anomaly maps, the key and the audit head in `store` belong to both databases:
`store/worklist.sqlite`, and `postgresql.sql`, a plain dump of the same rows.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pydicom
from unseen.demo.simulated_sites import NORTH, SOUTH, WEST, Share, write_sites
from unseen.worklist.backup import back_up, restore
from unseen.worklist.instances import ReceivedHeader
from unseen.worklist.outbox import Destination
from unseen.worklist.outside_reports import OutsideReport
from unseen.worklist.parcels import SentInstance
from unseen.worklist.store import Store
from unseen.worklist.worker import Worker

from tests.worklist.postgresql import binaries, server
from unseen.artifacts.bundle import card_of
from unseen.data.manifest import read_manifest
from unseen.detectors.saved import load as load_detector
from unseen.screening.screener import load

HERE = Path(__file__).parent
MODELS = HERE.parents[1] / "worklist" / "golden-0.1"  # two bundles and a policy, which 0.2 opens too
BEGAN = 1_790_000_000.0  # seconds since 1970: September 2026
YEARS_S = 50 * 365 * 86_400.0
REPORT = "1.2.840.10008.5.1.4.1.1.88.33"  # SOP class of a comprehensive structured report


class Clock:
    """Time that moves a second with each look."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def header_of(data: bytes) -> ReceivedHeader:
    """Return the header of a DICOM object as the DICOM node reads it."""
    return ReceivedHeader.of(pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True))


def film_of(entry: Path, number: int) -> bytes:
    """Return the film with an accession number, and the second film with the study of the first."""
    dataset = pydicom.dcmread(entry)
    dataset.AccessionNumber = f"A{number}"
    if number == 1:
        first = pydicom.dcmread(sorted(entry.parent.glob("north-*"))[0])
        dataset.PatientID, dataset.StudyInstanceUID = first.PatientID, first.StudyInstanceUID
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()


def structured_report(film: bytes) -> bytes:
    """Return an object of the film's study that is no film."""
    dataset = pydicom.dcmread(io.BytesIO(film))
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        dataset.pop(keyword, None)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = REPORT
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.77"
    written = io.BytesIO()
    dataset.save_as(written)
    return written.getvalue()


def fill(folder: Path) -> None:
    """Fill `store` with studies in every state, and with rows in every table that a site has."""
    home, clock = HERE / "store", Clock(BEGAN)
    incoming = write_sites(
        [
            *(Share(station=one, normals=6, abnormals=2, seed=seed) for one, seed in ((NORTH, 170), (SOUTH, 180))),
            Share(station=WEST, normals=1, abnormals=1, seed=190),
        ],
        folder / "incoming",
        side=64,
    )
    with Store.open(home, clock=clock, claim_s=YEARS_S) as store:
        store.accounts.add("ada", "a long password of ada", "admin", actor="admin")
        store.accounts.add("lea", "a long password of lea", "lead", actor="ada")
        store.accounts.add("leo", "a long password of leo", "lead", actor="ada")
        store.accounts.add("ann", "a long password of ann", "reader", actor="ada")
        store.accounts.add("bob", None, "reader", actor="ada")
        store.accounts.invite("bob", actor="ada")
        store.accounts.add("gus", "a long password of gus", "reader", actor="ada")
        store.accounts.change("gus", disabled=True, actor="ada")
        screener = load(MODELS / "decides", MODELS / "policy.json")
        compared = load_detector(MODELS / "compares")
        assert screener.policy is not None
        weights = card_of(MODELS / "decides").weights_sha256
        proposal = store.activations.propose(weights, "pca", screener.policy, actor="lea", note="enough labels")
        store.activations.activate(proposal.number, actor="leo", note="looked at the films")
        store.set_settle_s(60.0, of={"South": 300.0}, actor="lea")
        store.outbox.set_destinations(
            [Destination(name="archive"), Destination(name="viewer", sources=("South",))], actor="pacs"
        )
        worker = Worker(store, lambda: screener, further=lambda: [compared], name="worker")
        entries = read_manifest(incoming)
        for number, entry in enumerate(entries):
            clock.now += 600
            data = film_of(entry.path, number)
            store.receive(data, name=entry.path.name, source=entry.source, actor="ORTHANC", header=header_of(data))
            if number == 3:
                store.receive(b"\x89PNG\r\n\x1a\n", name="cut-short.png", source="North", actor="upload")
                report = structured_report(data)
                store.receive(report, name="report", source=entry.source, actor="ORTHANC", header=header_of(report))
            if number < len(entries) - 1:  # the last one waits for a worker
                worker.drain()
        clock.now += 3600
        store.tidy()
        read(store)
        send(store)
        prior, surviving = [pydicom.dcmread(entry.path).PatientID for entry in entries if entry.source == "South"][:2]
        store.merge_patients(prior=prior, surviving=surviving, actor="ADT")
        clock.now += 30 * 86_400
        store.tidy()  # what waits too long is moved up now, and not when a later version looks
    for name in ("renditions", "films/incoming", "maps/incoming"):
        shutil.rmtree(home / name, ignore_errors=True)


def read(store: Store) -> None:
    """Report, undo, claim, assign, annotate and close studies, as readers and other systems do."""
    rows = [row for row in store.page("to_read", limit=200, blind=False).rows if row.state == "to_read"]
    assert len(rows) >= 8, len(rows)
    for row, outcome in zip(rows[:3], ("abnormal", "unsure", "normal"), strict=True):
        for film in store.study(row.study).films:
            store.mark_seen(film.film, "ann")
        store.claim(row.study, "ann")
        store.report(row.study, "ann", outcome, f"noted as {outcome}")  # type: ignore[arg-type]
    store.claim(rows[3].study, "ann")
    store.report(rows[3].study, "ann", "normal", simulated=True)
    store.undo(rows[3].study, "ann")
    store.release(rows[3].study, "ann")
    (film, *_) = store.study(rows[4].study, blind=False).films
    store.reported_elsewhere(film_sha256=film.sha256, outcome="abnormal", actor="import")
    store.claim(rows[5].study, "ann")
    store.keep_draft(rows[5].study, "ann", "a first thought")
    store.assign([rows[6].study], "ann", actor="lea")
    (film, *_) = store.study(rows[7].study, blind=False).films
    store.claim(rows[7].study, "ann")
    store.set_aside(rows[7].study, "ann", "discarded", "a film of a hand", films=[film.film])
    store.save_view("ann", "Mine", {"tab": "to_read", "view": "PA"})
    store.save_view("lea", "South", {"tab": "all", "source": "South"}, shared=True)
    for accession, status, outcome in (("A5", "final", "abnormal"), ("A5", "corrected", "normal"),
                                       ("A999", "final", "normal")):  # fmt: skip
        store.take_report(
            OutsideReport(system="RIS", accession=accession, status=status, outcome=outcome, content=f"{status}")  # type: ignore[arg-type]
        )


def send(store: Store) -> None:
    """Send results: one kept, one accepted, one given up; the others wait."""
    for number in range(3):
        parcel = store.outbox.take("archive")
        assert parcel is not None
        if number == 2:
            store.outbox.failed(parcel, "refused by the archive", most_tries=1)
            continue
        instance = f"2.25.1{number}"
        store.outbox.sent(
            parcel, [SentInstance(sop_class=REPORT, instance=instance, series="2.25.2")], confirm_s=YEARS_S
        )
        if number == 0:
            store.outbox.confirmed("archive", [instance])


def dump(folder: Path) -> None:
    """Bring the rows to PostgreSQL by `unseen backup` and `restore`, and write the dump."""
    home = HERE / "store"
    with Store.open(home, create=False, clock=lambda: 0.0) as store:
        back_up(store, folder / "backup")
    programs = binaries()
    assert programs is not None
    with server(programs) as url:
        restore(folder / "backup", url.render_as_string(hide_password=False), films_folder=folder / "films")
        command = ["pg_dump", "--inserts", "--no-owner", "--no-privileges", f"--host={url.query['host']}",
                   "--username=unseen", "postgres"]  # fmt: skip
        written = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [line for line in written.splitlines() if line and not line.startswith(("--", "\\"))]
    (HERE / "postgresql.sql").write_text("\n".join(lines) + "\n", encoding="utf-8")


def pack() -> None:
    """Leave one small SQLite file, and no lock."""
    home = HERE / "store"
    for lock in home.glob("*.lock"):
        lock.unlink()
    with sqlite3.connect(home / "worklist.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    connection.close()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if (HERE / "store").exists():
        sys.exit(f"{HERE / 'store'} is there: a frozen store is not made again")
    with tempfile.TemporaryDirectory() as scratch:
        fill(Path(scratch))
        dump(Path(scratch))
    pack()
    print(json.dumps({path.name: path.stat().st_size for path in HERE.iterdir() if path.is_file()}))
