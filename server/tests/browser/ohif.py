"""OHIF, a viewer for DICOMweb, before an archive: its package from npm, and one server for it and for the archive.

The package is static files. The server answers unknown paths with OHIF's page, as a single-page application wants, and
passes `/dicom-web` on to the archive, so that the page and its data have one origin.
"""

from __future__ import annotations

import base64
import fcntl
import functools
import hashlib
import json
import shutil
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

VERSION = "3.13.2"
INTEGRITY = "sha512-WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
"""SHA-512 of the package, as npm's lock files write it."""
CACHE = Path(__file__).parents[3] / "build" / "ohif"
_DICOMWEB = "/dicom-web"
_CONFIG = "/app-config.js"


class OhifError(RuntimeError):
    """OHIF cannot be had from npm; the message holds what npm wrote."""


class OtherPackageError(RuntimeError):
    """npm delivered another package than the one that was read and tried."""


def packaged(npm: str, *, folder: Path = CACHE) -> Path:
    """Return the folder of OHIF's static files, fetched by npm the first time.

    Raises OhifError where npm fails, OtherPackageError where its package has another digest.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / VERSION
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            command = [npm, "pack", f"@ohif/app@{VERSION}", "--fetch-retries=1", "--loglevel=error"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
            if done.returncode:
                why = " ".join(done.stderr.split())[:300]
                raise OhifError(f"npm could not fetch @ohif/app@{VERSION}: {why}")
            archive = folder / done.stdout.split()[-1]
            digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            if f"sha512-{digest}" != INTEGRITY:
                raise OtherPackageError(f"{archive} has the digest sha512-{digest}, not {INTEGRITY}.")
            unfinished = folder / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            with tarfile.open(archive) as packed:
                packed.extractall(unfinished, filter="data")
            unfinished.rename(found)
            archive.unlink()
    return found / "package" / "dist"


@contextmanager
def serving(files: Path, *, dicomweb: str) -> Iterator[str]:
    """Yield the address of OHIF, whose studies are those of the archive at `dicomweb`."""
    handler = functools.partial(_Handler, dicomweb=dicomweb, directory=str(files))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, name="ohif", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def _config() -> bytes:
    """OHIF's `app-config.js`: one source of studies, on the origin of the page."""
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "archive",
        "configuration": {
            "friendlyName": "archive",
            "name": "archive",
            "qidoRoot": _DICOMWEB,
            "wadoRoot": _DICOMWEB,
            "wadoUriRoot": _DICOMWEB,
            "qidoSupportsIncludeField": False,
            "supportsFuzzyMatching": False,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "bulkDataURI": {"enabled": True},
        },
    }
    settings = {
        "extensions": [],
        "modes": [],
        "showStudyList": True,
        "maxNumberOfWebWorkers": 1,
        "showErrorDetails": "always",
        "defaultDataSourceName": "archive",
        "dataSources": [source],
        "investigationalUseDialog": {"option": "never"},
    }
    return f"window.config = {json.dumps(settings)};\n".encode()


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript", ".wasm": "application/wasm"}

    def __init__(self, *words: object, dicomweb: str, directory: str) -> None:
        self._dicomweb = dicomweb
        super().__init__(*words, directory=directory)  # type: ignore[arg-type]

    def end_headers(self) -> None:
        # a page that is alone with its origin may share memory with its workers, which decode
        self.send_header("Cross-Origin-Opener-Policy", "same-origin")
        self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        super().end_headers()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == _CONFIG:
            self._answer(200, "text/javascript", _config())
        elif path.startswith(f"{_DICOMWEB}/"):
            self._pass_on()
        else:
            if not Path(self.translate_path(path)).is_file():
                self.path = "/index.html"
            super().do_GET()

    def _pass_on(self) -> None:
        asked = urllib.request.Request(self._dicomweb + self.path.removeprefix(_DICOMWEB))
        if accept := self.headers.get("Accept"):
            asked.add_header("Accept", accept)
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                self._answer(answer.status, answer.headers["Content-Type"] or "", answer.read())
        except urllib.error.HTTPError as error:
            self._answer(error.code, error.headers["Content-Type"] or "text/plain", error.read())

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """Nothing: addresses name studies."""
