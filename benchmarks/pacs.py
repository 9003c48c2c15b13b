"""Speed of the DICOM node: films taken, time until the archive keeps a result, growth of its memory.

    python -m benchmarks.pacs            all of it, and docs/speed-pacs.md
    python -m benchmarks.pacs --page     docs/speed-pacs.md from the kept figures

*Intake*: four `storescu` at once, an association each, send DX films of 8.4 MB to the node, to Orthanc and to a bare
SCP of pynetdicom that writes what it gets and does not wait for the disk; in turn, on the same disk, in the same run.
*Results*: films come one by one; from the moment at which their study is complete to storage commitment of the report.
*Memory*: the node's, while small objects come in.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from pydicom import dcmwrite, uid
from pydicom.dataset import Dataset, FileMetaDataset

from benchmarks.kept_figures import as_json
from benchmarks.machine import described
from studies.evidence.screen import folded
from studies.evidence.speed import RECEIVERS, pacs_screen
from tests.data.making import DX, data_set
from tests.pacs.orthanc_server import free_ports, start_orthanc
from unseen.artifacts.research_only import LIMITS
from unseen.data.phantoms.sequences import normals
from unseen_server.worklist.store import Store

Figures = dict[str, Any]  # Any: JSON

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "studies" / "results" / "pacs-speed.json", ROOT / "docs" / "speed-pacs.md"
MODEL = ROOT / "models" / "pca"
SENDERS = 4
SETTLE_S = 2.0
BARE = """
import sys
from pathlib import Path
from pynetdicom import AE, evt
from pynetdicom.dsutils import encode_file_meta
folder, port = Path(sys.argv[1]), int(sys.argv[2])
def store(event):
    with (folder / str(event.request.AffectedSOPInstanceUID)).open("wb") as file:
        file.write(b"\\0" * 128 + b"DICM" + encode_file_meta(event.file_meta))
        file.write(event.request.DataSet.getvalue())
    return 0
ae = AE("TRIAGE")
ae.maximum_pdu_size = 65536
ae.add_supported_context("1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.1.2.1")
print("ready", flush=True)
ae.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, store)])
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pacs", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=25, help="of each of the four senders")
    parser.add_argument("--turns", type=int, default=3, help="of each receiver")
    parser.add_argument("--results", type=int, default=20, help="films whose results are waited for")
    parser.add_argument("--objects", type=int, default=5000, help="that come in while memory is watched")
    parser.add_argument("--page", action="store_true", help="render the page from the kept figures alone")
    given = parser.parse_args()
    if not given.page:
        with tempfile.TemporaryDirectory(prefix="unseen-pacs-") as name:
            figures = {
                "limits": LIMITS,
                "date": datetime.now(UTC).date().isoformat(),
                "machine": described(),
                "intake": intake(Path(name) / "intake", films=given.films, turns=given.turns),
                "results": results(Path(name) / "results", films=given.results),
                "memory": memory(Path(name) / "memory", objects=given.objects),
            }
        print(json.dumps(figures, indent=1))
        RESULTS.write_text(as_json(figures), encoding="utf-8")
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    PAGE.write_text(page(kept), encoding="utf-8")
    pacs_screen(kept).write(PAGE.parent)
    print("wrote", PAGE)


def written(path: Path, pixels: np.ndarray[Any, Any], number: int) -> Path:
    """A DX film as a file."""
    study = f"1.2.826.0.1.3680043.8.498.{number}"
    made = data_set(
        pixels, bits=12, sop_class=DX, SOPInstanceUID=f"{study}.1", StudyInstanceUID=study,
        SeriesInstanceUID=f"{study}.2", PatientID=f"P{number}", AccessionNumber=f"A{number}", StudyDate="20260101",
        BodyPartExamined="CHEST",
    )  # fmt: skip
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
    file = Dataset(made)
    file.file_meta = meta
    dcmwrite(path, file, enforce_file_format=True)
    return path


def send(files: Sequence[Path], port: int, *, ae_title: str, repeat: int) -> float:
    """Seconds until each sender has sent its file so often, each time as a new instance."""
    began = time.monotonic()
    senders = [
        subprocess.Popen(
            ["storescu", "-xe", "--max-send-pdu", "65536", "--repeat", str(repeat), "--invent-instance",
             "-aet", "BENCH", "-aec", ae_title, "127.0.0.1", str(port), str(file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for file in files
    ]  # fmt: skip
    for sender in senders:
        _, words = sender.communicate()
        assert sender.returncode == 0, words.decode()
    return time.monotonic() - began


@contextmanager
def node(
    folder: Path, *, port: int | None = None, peers: str = "", settle_s: float = 60.0
) -> Iterator[tuple[int, psutil.Process]]:
    """Yield a node in a process of its own: its port, and the process."""
    folder.mkdir(parents=True)
    port = port or free_ports(1)[0]
    configuration = folder / "pacs.toml"
    configuration.write_text(
        f'host = "127.0.0.1"\nport = {port}\nsettle_s = {settle_s}\n'
        '[[peers]]\nname = "bench"\nae_title = "BENCH"\nhost = "127.0.0.1"\n' + peers
    )
    words = ["--config", str(configuration), "--folder", str(folder / "worklist")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "unseen", "pacs", *words], stdout=log, stderr=log)
    try:
        while "listens on" not in (folder / "log").read_text():
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.05)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def bare(folder: Path) -> Iterator[int]:
    """An SCP of pynetdicom alone, in a process of its own: its port."""
    folder.mkdir(parents=True)
    (port,) = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-c", BARE, str(folder), str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        time.sleep(0.5)
        yield port
    finally:
        process.kill()
        process.wait()


def intake(folder: Path, *, films: int, turns: int) -> Figures:
    """Films a second of each receiver, turn by turn; every turn begins with an empty one."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 4095, (2048, 2048), dtype=np.uint16)
    files = [written(folder / f"{number}.dcm", pixels + np.uint16(number), 1 + number) for number in range(SENDERS)]
    rates: dict[str, list[float]] = {"node": [], "orthanc": [], "pynetdicom": []}
    count = films * len(files)
    for turn in range(turns):
        with node(folder / f"node-{turn}") as (port, _):
            rates["node"].append(count / send(files, port, ae_title="TRIAGE", repeat=films))
            with Store.open(folder / f"node-{turn}" / "worklist") as store:
                assert store.jobs.counts().waiting == count, "every film is in the queue"
        with start_orthanc(folder / f"orthanc-{turn}", SyncStorageArea=True) as orthanc:
            rates["orthanc"].append(count / send(files, orthanc.dicom_port, ae_title=orthanc.ae_title, repeat=films))
        with bare(folder / f"bare-{turn}") as port:
            rates["pynetdicom"].append(count / send(files, port, ae_title="TRIAGE", repeat=films))
        for one in folder.glob(f"*-{turn}"):
            shutil.rmtree(one)
    return {
        "films": count,
        "bytes": files[0].stat().st_size,
        "per_s": {name: {"median": statistics.median(each), "turns": each} for name, each in rates.items()},
    }


def results(folder: Path, *, films: int) -> Figures:
    """Seconds from the moment at which a study is complete to the archive's commitment of its report."""
    folder.mkdir(parents=True)
    (triage,) = free_ports(1)
    with start_orthanc(folder / "orthanc", modalities={"triage": ("TRIAGE", "127.0.0.1", triage)}) as orthanc:
        peers = (
            f'[[peers]]\nname = "archive"\nae_title = "ORTHANC"\nhost = "127.0.0.1"\nport = {orthanc.dicom_port}\n'
            'send = ["sr"]\n'
        )
        with node(folder / "node", port=triage, peers=peers, settle_s=SETTLE_S) as (port, _):
            where = folder / "node" / "worklist"
            worker = subprocess.Popen(
                [sys.executable, "-m", "unseen", "worker", str(MODEL), "--folder", str(where)],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            try:
                spent = []
                with Store.open(where) as store:
                    for number, film in enumerate(normals(films + 1, seed=1)):
                        pixels = np.asarray(np.rint(film.pixels * 4095), np.uint16)
                        file = written(folder / f"{number}.dcm", pixels, 100 + number)
                        send([file], port, ae_title="TRIAGE", repeat=1)
                        while len(kept := store.outbox.list(state="kept")) <= number:
                            time.sleep(0.05)
                            assert worker.poll() is None
                        study = store.studies.details(kept[0].study).entry
                        assert kept[0].kept is not None
                        spent.append((kept[0].kept - study.received).total_seconds() - SETTLE_S)
            finally:
                worker.terminate()
                worker.wait(30)
    spent = spent[1:]  # the first waits for the worker to start
    return {
        "films": films,
        "settle_s": SETTLE_S,
        "median_s": statistics.median(spent),
        "p95_s": statistics.quantiles(spent, n=20)[-1],
        "seconds": spent,
    }


def memory(folder: Path, *, objects: int) -> Figures:
    """Return the node's resident memory in MB, after each tenth of the objects."""
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 4095, (256, 256), dtype=np.uint16)
    file = written(folder / "small.dcm", pixels, 1)
    seen = []
    with node(folder / "node") as (port, process):
        for _ in range(10):
            send([file] * SENDERS, port, ae_title="TRIAGE", repeat=objects // 10 // SENDERS)
            seen.append(process.memory_info().rss / 1e6)
    return {"objects": objects, "bytes": file.stat().st_size, "rss_mb": seen}


def page(figures: Figures) -> str:
    """docs/speed-pacs.md."""
    taken, after, grown = figures["intake"], figures["results"], figures["memory"]
    rates = taken["per_s"]
    rows = [
        f"| {RECEIVERS[name]} | {rates[name]['median']:.1f} | {min(rates[name]['turns']):.1f}–"
        f"{max(rates[name]['turns']):.1f} | {rates['node']['median'] / rates[name]['median']:.2f} |"
        for name in RECEIVERS
    ]
    machine = figures["machine"]
    below = "\n".join(
        [
            "## Machine and method",
            "",
            f"Printed by `make bench-pacs` ({figures['date']}; {machine['cpu']}, {machine['cores']} cores; senders, "
            "receiver, archive and worker share them).",
            "",
            "## Films in",
            "",
            f"Four `storescu` at once send {taken['films']} DX films of {taken['bytes'] / 1e6:.1f} MB; receivers take "
            "turns on the same disk.",
            "",
            "| Receiver | films/s, median | least–most | `unseen pacs` divided by it |",
            "|---|---|---|---|",
            *rows,
            "",
            "## Results out",
            "",
            f"From the moment at which a study is complete ({after['settle_s']:g} s after its film) to the archive's "
            f"storage commitment of the report, {after['films']} studies one after the other, scored by `models/pca`: "
            f"median {after['median_s']:.2f} s, 95th percentile {after['p95_s']:.2f} s.",
            "",
            "## Memory",
            "",
            f"While {grown['objects']} objects came in, resident memory went from {grown['rss_mb'][0]:.0f} MB "
            f"(after the first tenth) to {grown['rss_mb'][-1]:.0f} MB; at most {max(grown['rss_mb']):.0f} MB.",
        ]
    )
    first = pacs_screen(figures).blocks()
    return "\n\n".join(["# Speed of the DICOM node", *first, *folded(below.split("\n\n"))]) + "\n"


if __name__ == "__main__":
    main()
