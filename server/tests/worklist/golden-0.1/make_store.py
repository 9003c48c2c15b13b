"""Makes the golden store of release 0.1 beside this file: phantoms, two bundles, a policy, a worklist in many states.

It was run once, at the last commit before 0.2 (e5fb0fb), and what it wrote is kept for good: later releases must open
it. It does not run with a later release, and must not: a new release gets a golden store of its own.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path

from tests.worklist.described import described
from unseen.anatomy.view import View
from unseen.data import phantoms
from unseen.data.manifest import read_manifest
from unseen.data.reading import films
from unseen.detectors.pca import Pca
from unseen.detectors.saved import load as load_detector
from unseen.detectors.saved import save
from unseen.experiments.simulated_sites import NORTH, SOUTH, WEST, Share, write_sites
from unseen.screening.calibration import calibrate
from unseen.screening.screener import load
from unseen.worklist.store import Store
from unseen.worklist.worker import Worker

HERE = Path(__file__).parent
BEGAN = 1_790_000_000.0  # seconds since 1970: September 2026


class Clock:
    """A time that moves a second with each look."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def learn(folder: Path) -> None:
    """Two bundles and a policy in `HERE`."""
    learnt = list(phantoms.normals(24, seed=5, size=64))
    for name, components in (("decides", 8), ("compares", 3)):
        detector = Pca(view=View(size=32, frame="whole"), components=components).fit(learnt)
        save(detector, HERE / name, data="phantoms", licence="CC0-1.0")
    labelled = write_sites(
        [Share(station=one, normals=20, abnormals=29, seed=seed) for one, seed in ((NORTH, 50), (SOUTH, 60))],
        folder / "labelled",
        side=64,
    )
    policy = calibrate(load_detector(HERE / "decides"), films(labelled), 0.4, 0.9, audit_share=0.5).policy
    assert policy is not None
    policy.save(HERE / "policy.json")


def fill(folder: Path) -> None:
    """The worklist, in every state that a study can be in."""
    home, clock = HERE / "store", Clock(BEGAN)
    incoming = write_sites(
        [
            *(Share(station=one, normals=8, abnormals=3, seed=seed) for one, seed in ((NORTH, 70), (SOUTH, 80))),
            Share(station=WEST, normals=1, abnormals=1, seed=90),
        ],
        folder / "incoming",
        side=64,
    )
    with Store.open(home, clock=clock) as store:
        store.accounts.add("lea", "a long password of lea", "lead", actor="admin")
        store.accounts.add("leo", "a long password of leo", "lead", actor="admin")
        screener, compared = load(HERE / "decides", HERE / "policy.json"), load_detector(HERE / "compares")
        assert screener.policy is not None
        weights = screener.detector.weights_sha256
        proposal = store.activations.propose(weights, "pca", screener.policy, actor="lea", note="enough labels")
        store.activations.activate(proposal.number, actor="leo")
        store.set_waiting_cap_s(4 * 3600, actor="lea")
        worker = Worker(store, lambda: screener, further=lambda: [compared], name="worker")
        entries = read_manifest(incoming)
        for number, entry in enumerate(entries):
            clock.now += 600
            store.receive(entry.path.read_bytes(), name=entry.path.name, source=entry.source, actor="upload")
            if number == 3:
                store.receive(b"\x89PNG\r\n\x1a\n", name="cut-short.png", source="North", actor="upload")
            if number < len(entries) - 2:  # the last two wait for a worker
                worker.drain()
        rows = [row for row in store.page("to_read", limit=200, blind=False).rows if row.state == "to_read"]
        sampled = [row for row in rows if store.study(row.study, blind=False).audit_sample]
        ordinary = [row for row in rows if row not in sampled]
        assert len(sampled) >= 2 and len(ordinary) >= 6, (len(sampled), len(ordinary))
        for row, outcome in zip([*ordinary[:2], sampled[0]], ("abnormal", "unsure", "normal"), strict=True):
            store.claim(row.study, "ann")
            store.report(row.study, "ann", outcome, f"noted as {outcome}")  # type: ignore[arg-type]
        store.claim(ordinary[2].study, "ann")
        store.report(ordinary[2].study, "ann", "normal")
        store.undo(ordinary[2].study, "ann")
        store.release(ordinary[2].study, "ann")
        (film,) = store.study(ordinary[3].study, blind=False).films
        store.reported_elsewhere(film_sha256=film.sha256, outcome="abnormal", actor="import")
        store.claim(ordinary[4].study, "bob")
        at = clock.now
    with Store.open(home, create=False, clock=lambda: at) as store:
        (HERE / "expected.json").write_text(json.dumps(described(store, at), indent=1) + "\n")
    for name in ("renditions", "films/incoming", "maps/incoming"):
        shutil.rmtree(home / name, ignore_errors=True)
    for lock in home.glob("*.lock"):
        lock.unlink()
    with sqlite3.connect(home / "worklist.sqlite") as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    connection.close()


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    with tempfile.TemporaryDirectory() as scratch:
        learn(Path(scratch))
        fill(Path(scratch))
