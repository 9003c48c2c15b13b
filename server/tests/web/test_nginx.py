"""The reverse proxy of deploy/nginx.conf, by a real nginx before a real server: its limits, and what it forwards.

Of the file only the places are changed: ports, certificate, key, and the times that a test would wait for.
"""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.local_clients import connect
from tests.pacs.orthanc_server import free_ports
from tests.web.conftest import Api, MakeApi
from tests.web.running import until
from tests.web.test_slow_clients import Served
from tests.worklist.conftest import png
from unseen_server.web.address import Address
from unseen_server.worklist.store import Store

FILE = Path(__file__).parents[3] / "deploy" / "nginx.conf"
NAME = "worklist.hospital.example"
PASSWORD = "correct horse battery"
REQUESTS, SIGN_INS = 64, 20
"""`limit_conn`, and `burst` of sign-ins, in the file."""
WHOLE = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events { worker_connections 2048; }
http {
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include unseen.conf;
}
"""


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory, program: Callable[..., str]) -> Path:
    folder = tmp_path_factory.mktemp("proxy")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30")
    named = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", "key", "-out", "pem")
    subprocess.run([program("openssl"), "req", "-x509", *new, *named], cwd=folder, check=True, capture_output=True)
    return folder


class Proxied:
    """nginx before an application."""

    def __init__(self, nginx: str, folder: Path, certificate: Path, served: Served, changes: dict[str, str]) -> None:
        self.served = served
        (self.port,) = free_ports(1)
        changes = changes | {
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "/etc/ssl/worklist.pem": str(certificate / "pem"),
            "/etc/ssl/worklist.key": str(certificate / "key"),
            "http://127.0.0.1:8080": f"http://127.0.0.1:{served.port}",
        }
        text = FILE.read_text()
        for before, after in changes.items():
            assert before in text, before
            text = text.replace(before, after)
        (folder / "unseen.conf").write_text(text)
        (folder / "whole.conf").write_text(WHOLE)
        self.context = ssl.create_default_context(cafile=certificate / "pem")
        words = [nginx, "-p", str(folder), "-e", "error.log", "-c", "whole.conf"]
        self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, cwd=folder)
        until(self._listens, 30)

    def _listens(self) -> bool:
        assert self._process.poll() is None, "nginx has ended"
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def client(self, source: str = "127.0.0.1", token: str = "") -> httpx.Client:
        """Return a client from an address of this machine."""
        transport = httpx.HTTPTransport(verify=self.context, local_address=source, limits=httpx.Limits())
        headers = {"Host": NAME} | ({"Authorization": token} if token else {})
        base = f"https://127.0.0.1:{self.port}/api/v1"
        return _Named(transport=transport, base_url=base, headers=headers, timeout=30)

    def connect(self, source: str) -> ssl.SSLSocket:
        return self.context.wrap_socket(connect(self.port, source=source), server_hostname=NAME)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


class _Named(httpx.Client):
    """Client that asks for the certificate of the public name, wherever it connects."""

    def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        request.extensions["sni_hostname"] = NAME
        return super().send(request, **more)


Start = Callable[..., Proxied]


@pytest.fixture
def start(program: Callable[..., str], tmp_path: Path, certificate: Path, make_api: MakeApi) -> Iterator[Start]:
    nginx = program("nginx", "/usr/sbin/nginx")
    with ExitStack() as stack:

        def run(changes: dict[str, str] | None = None) -> Proxied:
            address = Address(public=f"https://{NAME}")
            served = Served(make_api(address=address).app, address)
            stack.callback(served.stop)
            proxied = Proxied(nginx, tmp_path, certificate, served, changes or {})
            stack.callback(proxied.stop)
            return proxied

        yield run


def slow(proxied: Proxied, source: str, content: bytes) -> ssl.SSLSocket:
    """Return a connection with the beginning of a request."""
    opened = proxied.connect(source)
    opened.sendall(content)
    return opened


def half_a_sign_in() -> bytes:
    head = f"POST /api/v1/tokens HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: 90\r\n\r\n{"


def half_a_search() -> bytes:
    return f"POST /api/v1/studies/search HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 90\r\n\r\n{{".encode()


def half_a_head() -> bytes:
    return f"GET /api/v1/health/live HTTP/1.1\r\nHost: {NAME}\r\n".encode()


def test_a_person_works_through_the_proxy(start: Start, store: Store) -> None:
    proxied = start()
    store.accounts.add("rita", PASSWORD, "reader", actor="test")
    with proxied.client() as client:
        answer = client.post("/sign-in", json={"name": "rita", "password": PASSWORD}).raise_for_status()
        assert answer.headers["set-cookie"].startswith("__Host-unseen=") and "Secure" in answer.headers["set-cookie"]
        assert client.get("/me").json()["name"] == "rita"
        large = os.urandom(3_000_000)
        assert client.post("/films", content=large, headers={"X-Requested-With": "unseen"}).status_code == 201
        assert client.post("/studies/search", content=b"x" * 2**21).status_code == 413
        assert client.post("/tokens", content=b"x" * 5000).status_code == 413


def test_each_client_has_its_own_throttle(start: Start, store: Store) -> None:
    proxied = start()
    store.accounts.add("rita", PASSWORD, "reader", actor="test")
    with proxied.client("127.0.0.2") as guessing, proxied.client("127.0.0.3") as own:
        forged = {"X-Forwarded-For": "203.0.113.7"}
        wrong = {"name": "rita", "password": "guess"}
        statuses = [guessing.post("/tokens", json=wrong, headers=forged).status_code for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        assert own.post("/tokens", json={"name": "rita", "password": PASSWORD}).status_code == 200


@pytest.mark.parametrize("say", [half_a_sign_in, half_a_search])
def test_requests_at_once_of_one_address_are_limited(start: Start, say: Callable[[], bytes]) -> None:
    """The server has no part in them: the proxy waits for the rest of each."""
    proxied = start()
    count = SIGN_INS if say is half_a_sign_in else REQUESTS
    with ExitStack() as stack:
        waiting = [stack.enter_context(slow(proxied, "127.0.0.2", say())) for _ in range(count + 5)]
        refused = [one for one in waiting[-4:] if _answer(one).startswith(b"HTTP/1.1 429 ")]
        assert len(refused) == 4
        assert proxied.served.connections == 0, "the server has a connection of a request that is not whole"
        with proxied.client("127.0.0.3") as other:
            assert other.get("/health/live").status_code == 200
        if say is half_a_search:
            with proxied.client("127.0.0.2") as same:
                answer = same.get("/health/live")
                assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
                assert answer.json()["error"].startswith("Too many requests come from your address")


def _answer(opened: ssl.SSLSocket) -> bytes:
    opened.settimeout(30)
    return opened.recv(1000)


def test_the_pace_of_sign_ins_is_limited_before_the_server(start: Start) -> None:
    proxied = start()
    with proxied.client("127.0.0.2") as fast, proxied.client("127.0.0.3") as other:
        answers = [fast.post("/tokens", json={"name": f"n{n}", "password": "x"}) for n in range(3 * SIGN_INS)]
        statuses = [answer.status_code for answer in answers]
        assert statuses[:SIGN_INS] == [401] * SIGN_INS
        assert statuses.count(429) >= SIGN_INS, "at one a second, at most a few of the rest are answered"
        assert all("error" in answer.json() for answer in answers)
        assert other.post("/tokens", json={"name": "rita", "password": "x"}).status_code == 401
        assert fast.get("/health/live").status_code == 200, "the limit of sign-ins is not one of other requests"


@pytest.mark.parametrize("say", [half_a_head, half_a_sign_in, half_a_search])
def test_fifty_slow_clients_keep_nobody_out(start: Start, say: Callable[[], bytes]) -> None:
    proxied = start()
    with ExitStack() as stack:
        for number in range(250):
            stack.enter_context(slow(proxied, f"127.0.1.{number % 50 + 1}", say()))
        with proxied.client("127.0.0.3") as known:
            assert [known.get("/health/live").status_code for _ in range(20)] == [200] * 20
        assert proxied.served.waiting == 0
        assert proxied.served.connections <= 1


@pytest.mark.parametrize(
    ("say", "setting"), [(half_a_head, "client_header_timeout"), (half_a_sign_in, "client_body_timeout")]
)
def test_a_slow_request_is_cut_off(start: Start, say: Callable[[], bytes], setting: str) -> None:
    proxied = start({f"{setting} 10s;": f"{setting} 1s;"})
    with slow(proxied, "127.0.0.2", say()) as opened:
        assert _whole_answer(opened) in (b"", b"408"), "nginx closes the connection, with or without words"


def _whole_answer(opened: ssl.SSLSocket) -> bytes:
    """Return the status of the answer, if there is one, at the end of the connection."""
    found = b""
    with suppress(OSError):
        while piece := opened.recv(1000):
            found += piece
    return found[9:12]


def test_a_film_of_nobody_is_refused_before_it_is_sent(start: Start) -> None:
    proxied = start()
    head = f"POST /api/v1/films HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n"
    with slow(proxied, "127.0.0.2", head.encode()) as opened:
        found = b""
        while b" 401 " not in found:
            piece = opened.recv(1000)
            assert piece, found
            found += piece


def test_films_that_somebody_sends_slowly_keep_nobody_out(start: Start, api: Api) -> None:
    proxied = start()
    token = str(api.reader.headers["authorization"])
    film = png(1)
    head = f"POST /api/v1/films HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: {token}\r\nContent-Length: {len(film)}\r\n"
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(slow(proxied, "127.0.0.2", head.encode() + b"Connection: close\r\n\r\n" + film[:50]))
        last = slow(proxied, "127.0.0.3", head.encode() + b"Connection: close\r\n\r\n" + film[:50])
        stack.enter_context(last)
        with proxied.client("127.0.0.4") as other:
            assert other.get("/health/live").status_code == 200
        until(lambda: proxied.served.waiting == 0, 30)  # who is signed in waits for no place
        last.sendall(film[50:])
        assert _answer(last).startswith(b"HTTP/1.1 201 ")


def test_changes_of_the_list_arrive_as_they_happen(start: Start, api: Api, store: Store) -> None:
    proxied = start()
    app: Any = proxied.served.config.app
    app.state.served.stopping.clear()
    heard: list[str] = []
    token = str(api.reader.headers["authorization"])

    def lines() -> None:
        with proxied.client(token=token) as client, client.stream("GET", "/events") as answer:
            for line in answer.iter_lines():
                heard.append(line)

    with ThreadPoolExecutor(1) as threads:
        listening = threads.submit(lines)
        try:
            until(lambda: any(line.startswith("retry") for line in heard), 30)
            with store.writing() as writing:
                writing.log("ann", "a change", "s")
            until(lambda: "event: changed" in heard, 30)
        finally:
            app.state.served.stopping.set()
        listening.result()
