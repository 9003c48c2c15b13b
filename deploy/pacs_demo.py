"""An archive, the DICOM node and the worklist on this machine: phantoms come from Orthanc, reports go back to it.

    python deploy/pacs_demo.py            until Ctrl-C; prints the link to the worklist and the archive's page
    python deploy/pacs_demo.py --once     ends when every report is kept

Needs Orthanc (Debian: `apt-get install --no-install-recommends orthanc`). Everything is in a temporary folder and gone
at the end. Research use only. Not a medical device. Not for diagnosis.
"""

import argparse
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from unseen.data.phantoms.dicom_phantoms import Station
from unseen_server.demo.simulated_sites import SiteShare, write_sites
from unseen_server.pacs.config import load
from unseen_server.pacs.node import Node
from unseen_server.web.server import OwnServer
from unseen_server.worklist.store import Store

PATIENCE_S = 300


def spent(began: float) -> str:
    return f"{time.monotonic() - began:.0f} s"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def asked(url: str, data: bytes | None = None) -> object:
    """Return the answer of Orthanc's API, decoded from JSON."""
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
        return json.loads(answer.read())


def start_archive(folder: Path, *, dicom: int, http: int, node: int) -> subprocess.Popen[bytes]:
    """Orthanc, which knows the node as `triage`."""
    settings = {
        "StorageDirectory": str(folder),
        "IndexDirectory": str(folder),
        "DicomAet": "ORTHANC",
        "DicomPort": dicom,
        "HttpPort": http,
        "AuthenticationEnabled": False,
        "DicomModalities": {"triage": ["TRIAGE", "127.0.0.1", node]},
    }
    folder.mkdir()
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stdout=log, stderr=log)
    for _ in range(300):
        try:
            asked(f"http://127.0.0.1:{http}/system")
            return process
        except OSError:
            time.sleep(0.1)
    process.kill()
    raise SystemExit(f"Orthanc did not start: {(folder / 'log').read_text()[-1000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description="an archive, the DICOM node and the worklist, with phantoms")
    parser.add_argument("--once", action="store_true", help="end when every report is kept")
    parser.add_argument("--films", type=int, default=4)
    given = parser.parse_args()
    if shutil.which("Orthanc") is None:
        raise SystemExit("Orthanc is not installed: apt-get install --no-install-recommends orthanc")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="unseen-pacs-demo-") as name:
        folder = Path(name)
        dicom, http, triage = free_port(), free_port(), free_port()
        archive = start_archive(folder / "archive", dicom=dicom, http=http, node=triage)
        (folder / "pacs.toml").write_text(
            f'host = "127.0.0.1"\nport = {triage}\nsettle_s = 5\n\n[[peers]]\nname = "archive"\n'
            f'ae_title = "ORTHANC"\nhost = "127.0.0.1"\nport = {dicom}\nsource = "ward"\nsend = ["sr"]\n'
        )
        worklist = folder / "worklist"
        model = Path("models/pca")
        try:
            with (
                OwnServer(["--folder", worklist, "--port", "0", "--model", model], log=folder / "serve.log") as server,
                Store.open(worklist) as store,
                Node(load(folder / "pacs.toml"), store),
            ):
                print("the worklist:", server.address("/"))
                print(f"the archive:  http://127.0.0.1:{http}/app/explorer.html")
                share = SiteShare(
                    station=Station(name="Phantoms"), normals=given.films // 2, abnormals=given.films // 2, seed=1
                )
                write_sites([share], folder / "phantoms")
                for film in sorted((folder / "phantoms" / "films").iterdir()):
                    stored = asked(f"http://127.0.0.1:{http}/instances", film.read_bytes())
                    asked(f"http://127.0.0.1:{http}/modalities/triage/store", json.dumps([stored["ID"]]).encode())
                print(
                    f"{given.films} phantoms are sent from the archive to the node ({time.monotonic() - began:.0f} s)"
                )
                while len(store.outbox.list(state="kept")) < given.films:
                    if time.monotonic() - began > PATIENCE_S:
                        raise SystemExit(
                            f"not done after {PATIENCE_S} s: {store.outbox.counts()}; {store.jobs.counts()}"
                        )
                    time.sleep(0.2)
                reports = asked(
                    f"http://127.0.0.1:{http}/tools/find",
                    json.dumps({"Level": "Series", "Query": {"Modality": "SR"}}).encode(),
                )
                print(f"{len(reports)} reports are kept in the archive, each in its study ({spent(began)})")
                if not given.once:
                    print("Ctrl-C ends it")
                    server.wait()
        except KeyboardInterrupt:
            sys.exit(0)
        finally:
            archive.kill()
            archive.wait()


if __name__ == "__main__":
    main()
