"""A modality that sends films until its standard input closes, and logs each acknowledgement before it goes on.

python sender.py BASE TOKEN FOLDER LOG: the films of FOLDER in order, then earlier ones again; a line of LOG is
``sha256<TAB>film`` and is on the disk before the next film is sent. What is not acknowledged is sent again.
"""

from __future__ import annotations

import hashlib
import os
import random
import sys
import threading
import time
from pathlib import Path

import httpx


def main(base: str, token: str, folder: str, log: str) -> None:
    films = [path.read_bytes() for path in sorted(Path(folder).iterdir())]
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    choice = random.Random(0)
    with open(log, "a", encoding="ascii") as written:
        for number in range(10**9):
            if number >= len(films) and over.is_set():
                return
            film = films[number] if number < len(films) else choice.choice(films)
            sha256, called = send(base, token, film, in_a_form=number % 3 == 0)
            assert sha256 == hashlib.sha256(film).hexdigest(), "acknowledged as something else"
            written.write(f"{sha256}\t{called}\n")
            written.flush()
            os.fsync(written.fileno())


def send(base: str, token: str, film: bytes, *, in_a_form: bool) -> tuple[str, str]:
    body = {"files": {"file": ("film.png", film)}} if in_a_form else {"content": film}
    while True:
        try:
            answer = httpx.post(
                f"{base}/films", headers={"Authorization": f"Bearer {token}"}, timeout=30, verify=False, **body
            )
        except httpx.TransportError:
            time.sleep(0.02)
            continue
        if answer.status_code in (200, 201):
            told = answer.json()
            return told["sha256"], told["film"]
        assert answer.status_code in (503, 507), answer.text
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
