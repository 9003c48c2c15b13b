"""`unseen backup --keep`: a name for each run, the newest are kept, and nothing else is removed."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.cli.conftest import Say
from tests.worklist.conftest import png
from unseen_server.worklist.backup import _alone_in, back_up_dated, restore
from unseen_server.worklist.store import Store

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


def test_the_newest_are_kept_and_strangers_are_left_alone(folder: Path) -> None:
    backups = folder / "backups"
    for name in ("before-1.0", "2026-01-01T000000Z"):  # of somebody else: not a backup's name, and no backup
        (backups / name).mkdir(parents=True)
    with Store.open(folder / "site") as store:
        for hour in range(4):
            store.films.receive(png(hour), name=f"{hour}")
            done = back_up_dated(store, backups, keep=2, now=NOON + timedelta(hours=hour))
    assert [path.name for path in done.removed] == ["2026-11-26T130000Z"]
    assert sorted(path.name for path in backups.iterdir()) == [
        "2026-01-01T000000Z",
        "2026-11-26T140000Z",
        "2026-11-26T150000Z",
        "before-1.0",
    ]
    assert restore(done.path, folder / "back").films == 4


def test_one_may_be_kept(folder: Path) -> None:
    with Store.open(folder / "site") as store:
        for hour in range(3):
            back_up_dated(store, folder / "backups", keep=1, now=NOON + timedelta(hours=hour))
    assert [path.name for path in (folder / "backups").iterdir()] == ["2026-11-26T140000Z"]


def test_a_backup_with_damage_removes_no_earlier_one(folder: Path) -> None:
    with Store.open(folder / "site") as store:
        film = store.films.receive(png(1), name="a")
        back_up_dated(store, folder / "backups", keep=1, now=NOON)
        path = store.films.path(film.film_id)
        path.chmod(0o600)
        path.write_bytes(b"rotten")
        done = back_up_dated(store, folder / "backups", keep=1, now=NOON + timedelta(hours=1))
    assert done.saved.damaged == (film.sha256,) and done.removed == ()
    assert len(list((folder / "backups").iterdir())) == 2


def test_the_rest_of_a_killed_backup_is_removed_by_the_next_one(folder: Path) -> None:
    backups = folder / "backups"
    code = (
        "import os, signal, sys\n"
        "from unseen_server.worklist import backup\n"
        "from unseen_server.worklist.store import Store\n"
        "backup.write_site_key = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "backup.back_up_dated(Store.open(sys.argv[1]), sys.argv[2], keep=2)\n"
    )
    with Store.open(folder / "site") as store:
        store.films.receive(png(1), name="a")
        subprocess.run([sys.executable, "-c", code, folder / "site", backups], check=False)
        (left,) = backups.iterdir()
        assert list(left.rglob("films/*/*")), "a copy of a film"
        (backups / ".strange.tmp").mkdir()
        with _alone_in(backups) as alone:
            assert alone
            back_up_dated(store, backups, keep=2, now=NOON)
            assert left.exists(), "another run may be writing it"
        done = back_up_dated(store, backups, keep=2, now=NOON + timedelta(hours=1))
    assert sorted(path.name for path in backups.iterdir()) == [".strange.tmp", "2026-11-26T120000Z", done.path.name]


def test_the_command_can_run_twice_a_day(folder: Path, say: Say) -> None:
    with Store.open(folder / "site") as store:
        store.films.receive(png(1), name="a")
    (folder / "backups").mkdir()
    (folder / "backups" / "2020-01-01T000000Z").mkdir()
    (folder / "backups" / "2020-01-01T000000Z" / "backup.json").write_text("{}")
    answer = say("backup", folder / "backups", "--folder", folder / "site", "--keep", "1")
    (made,) = (folder / "backups").iterdir()
    assert answer.code == 0 and f"1 study, 1 film, 0 maps saved in {made}\n" in answer.out
    assert "removed: 2020-01-01T000000Z" in answer.err
