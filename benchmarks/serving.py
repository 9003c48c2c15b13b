"""From upload to decision: how long a film takes through `unseen serve`, and how many films a second go through.

    python -m benchmarks.serving --seconds 60

starts a server of its own with one worker on models/pca (`--url postgresql://…`: its list in that database), sends
phantoms of 512 × 512 pixels (four of them, each time with another text chunk, so that each is another film), and
prints JSON. Two figures, one after the other, each for half of the time: the latency of single films, sent when the
one before is decided; and the films a second of a sender that does not wait. Memory: the server's, its worker's and
their decoders' together, after the first film and at the end. A gate that refuses phantoms makes them quick: give real
films with `--films FOLDER`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

from benchmarks.machine import described
from unseen.artifacts.research_only import LIMITS
from unseen.data.phantoms import abnormals, normals

SIDE = 512
DISTINCT = 2  # of each kind
MOST = 100  # films of a folder
AHEAD = 32  # films that the sender may be ahead of the worker
POLL_S = 0.02


def films(folder: Path | None) -> Iterator[bytes]:
    """Ever other films: the PNG films of `folder`, or phantoms, each time with another number in a text chunk."""
    if folder is not None:
        written = [path.read_bytes() for path in sorted(folder.glob("*.png"))[:MOST]]
    else:
        written = []
        for sequence in (normals(DISTINCT, size=SIDE), abnormals(DISTINCT, size=SIDE)):
            for film in sequence:
                image = io.BytesIO()
                Image.fromarray(np.asarray(film.pixels * 255, dtype=np.uint8)).save(image, format="PNG")
                written.append(image.getvalue())
    number = 0
    while True:
        data, chunk = written[number % len(written)], b"tEXt" + b"Comment\0%d" % number
        text = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
        yield data[:33] + text + data[33:]  # after the header chunk
        number += 1


class Server:
    """`unseen serve` in `folder`, signed in at."""

    def __init__(self, folder: Path, *, url: str | None, model: str) -> None:
        words = [str(Path(sys.executable).with_name("unseen")), "serve", "--folder", str(folder), "--port", "0"]
        environment = os.environ | ({} if url is None else {"UNSEEN_URL": url})
        self._process = subprocess.Popen([*words, "--model", model], stderr=subprocess.PIPE, text=True, env=environment)
        self._log = (folder.parent / "serve.log").open("w+", encoding="utf-8")
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if found := re.search(r"(http\S+)/sign-in#link=(\S+)", line):
                break
        else:
            raise RuntimeError("the server did not start")
        self.client = httpx.Client(base_url=f"{found[1]}/api/v1", timeout=60)
        token = self.client.post("tokens/link", json={"link": found[2]}).json()["token"]
        self.client.headers["Authorization"] = f"Bearer {token}"
        self._drain = subprocess.Popen(["cat"], stdin=self._process.stderr, stdout=self._log)

    def send(self, film: bytes) -> str:
        answer = self.client.post("films", content=film, headers={"Content-Type": "application/octet-stream"})
        return str(answer.raise_for_status().json()["film"])

    def decided(self, film: str) -> str | None:
        """Return the state of the film's study, once it is judged."""
        told = self.client.get(f"films/{film}").json()
        return str(told["study"]["state"]) if told["film"]["judged"] else None

    def queue(self) -> dict[str, float]:
        queue: dict[str, float] = self.client.get("health").json()["queue"]
        return queue

    def memory_bytes(self) -> int:
        process = psutil.Process(self._process.pid)
        return sum(one.memory_info().rss for one in (process, *process.children(recursive=True)))

    def close(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(timeout=60)
        self._drain.wait(timeout=10)
        self._log.close()


def latencies(server: Server, supply: Iterator[bytes], *, seconds: float) -> tuple[list[float], int]:
    """Seconds from the upload's first byte to the decision, of films sent one at a time; how many had a score."""
    found, scored = [], 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        film = server.send(next(supply))
        while (state := server.decided(film)) is None:
            time.sleep(POLL_S)
        found.append(time.monotonic() - begun)
        scored += state != "not_scored"
    return found, scored


def throughput(server: Server, supply: Iterator[bytes], *, seconds: float) -> float:
    """Films decided a second, by a sender that keeps the queue filled."""
    before, begun = server.queue()["done"], time.monotonic()
    while time.monotonic() - begun < seconds:
        if server.queue()["waiting"] < AHEAD:
            for _ in range(AHEAD // 4):
                server.send(next(supply))
        else:
            time.sleep(POLL_S)
    return (server.queue()["done"] - before) / (time.monotonic() - begun)


def measure(*, seconds: float, url: str | None, model: str, folder: Path | None) -> dict[str, object]:
    """Return the figures."""
    supply = films(folder)
    with tempfile.TemporaryDirectory() as place:
        server = Server(Path(place) / "worklist", url=url, model=model)
        try:
            first = server.send(next(supply))
            while server.decided(first) is None:  # the worker loads its model
                time.sleep(POLL_S)
            start_bytes = server.memory_bytes()
            waited, scored = latencies(server, supply, seconds=seconds / 2)
            rate = throughput(server, supply, seconds=seconds / 2)
            return {
                "seconds": seconds,
                "database": "sqlite" if url is None else "postgresql",
                "model": model,
                "films": f"phantoms, PNG, {SIDE} × {SIDE}" if folder is None else f"PNG films of {folder.name}",
                "films_one_at_a_time": len(waited),
                "of_them_scored": scored,  # the others were refused by the input gate, which takes less time
                "median_s": round(statistics.median(waited), 3),
                "p95_s": round(float(np.percentile(waited, 95)), 3),
                "films_per_second": round(rate, 2),
                "rss_start_bytes": start_bytes,
                "rss_end_bytes": server.memory_bytes(),
                "load_average": os.getloadavg()[0],
                "date": datetime.now(UTC).date().isoformat(),
                "machine": described(),
                "limits": LIMITS,
            }
        finally:
            server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="for both figures together")
    parser.add_argument("--url", help="keep the list in this PostgreSQL database")
    parser.add_argument("--model", default="models/pca", help="the bundle that scores")
    parser.add_argument("--films", type=Path, help="PNG films of a folder; else phantoms, which a gate may refuse")
    words = parser.parse_args()
    print(
        json.dumps(
            measure(seconds=words.seconds, url=words.url, model=words.model, folder=words.films),
            indent=1,
            ensure_ascii=False,
        )
    )


if __name__ == "__main__":
    main()
