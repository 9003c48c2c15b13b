"""Sign-in by an identity provider that is hostile: slow, endless and nested answers; forged and replayed sign-ins."""

from __future__ import annotations

import base64
import hmac
import json
import re
import secrets
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest
import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from tests.pacs import test_node_tls
from tests.web import test_single_sign_on
from tests.web.conftest import Api, MakeApi
from tests.web.identity_provider import CLIENT, Provider
from tests.web.test_single_sign_on import RITA, browser, refused, signed_in, way_back, who
from unseen_server.web import bounded_http, oidc_provider
from unseen_server.web.bounded_http import BoundedAdapter
from unseen_server.web.oidc_provider import OidcError, OidcProvider, OidcSettings, Pending, PendingSignIns
from unseen_server.web.sign_in_places import PROVIDER, SignInPlaces

settings = test_single_sign_on.settings
certificates = test_node_tls.certificates

ReadSettings = Callable[..., OidcSettings]
Hostile = Callable[[BaseHTTPRequestHandler], None]
SHORT_S = 0.5
DISCOVERY, KEYS, TOKEN = "/.well-known/openid-configuration", "/keys", "/token"
ENDS = threading.Event()
"""Is set when the tests end: no thread of a provider lasts longer."""


def send(request: BaseHTTPRequestHandler, data: bytes) -> None:
    request.wfile.write(data)
    request.wfile.flush()


def drip(request: BaseHTTPRequestHandler, piece: bytes) -> None:
    """Send a piece again and again, each long before a timeout of one read."""
    while not ENDS.wait(0.02):
        send(request, piece)


def pour(request: BaseHTTPRequestHandler, piece: bytes) -> None:
    """Send as fast as the other side reads."""
    while not ENDS.is_set():
        send(request, piece)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
SLOW: dict[str, Hostile] = {
    "silence": lambda request: drip(request, b""),
    "status line": lambda request: drip(request, b"H"),
    "headers": lambda request: (send(request, HEAD + b"X: "), drip(request, b"x"))[1],
    "interim answers": lambda request: drip(request, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "body": lambda request: (send(request, HEAD + b"Content-Length: 900000\r\n\r\n"), drip(request, b" "))[1],
    "body to the end": lambda request: (send(request, HEAD + b"\r\n"), drip(request, b" "))[1],
    "chunks": lambda request: (
        send(request, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        drip(request, b"1\r\n \r\n"),
    )[1],
}
ENDLESS: dict[str, Hostile] = {
    "body": lambda request: (send(request, HEAD + b"\r\n"), pour(request, b" " * 2**16))[1],
    "promised body": lambda request: (
        send(request, HEAD + b"Content-Length: 99999999999\r\n\r\n"),
        pour(request, b" " * 2**16),
    )[1],
    "chunks": lambda request: (
        send(request, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
        pour(request, b"10000\r\n" + b" " * 2**16 + b"\r\n"),
    )[1],
    "one line of a chunk": lambda request: (
        send(request, HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;"),
        pour(request, b"x" * 2**16),
    )[1],
    "headers": lambda request: (send(request, HEAD), pour(request, b"X-Header: x\r\n" * 4096))[1],
    "one header": lambda request: (send(request, HEAD + b"X: "), pour(request, b"x" * 2**16))[1],
    "packed body": lambda request: (
        send(request, HEAD + b"Content-Encoding: gzip\r\n\r\n"),
        pour(request, b"\x00" * 2**16),
    )[1],
}


def answering(body: bytes, status: str = "200 OK") -> Hostile:
    def answer(request: BaseHTTPRequestHandler) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        send(request, head.encode() + body)

    return answer


def segment(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


DEEP = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
WRONG = {
    "deep object": DEEP,
    "deep list": b"[" * 400_000,
    "deep unfinished": b'{"a":' * 150_000,
    "no object": b"[1, 2]",
    "null": b"null",
    "nothing": b"",
    "no JSON": b"<html>",
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "long number": b'{"a": ' + b"1" * 900_000 + b"}",
}
WRONG_TOKENS = WRONG | {
    "endless time": b'{"access_token": "a", "token_type": "Bearer", "expires_in": 1e999, "id_token": "x"}',
    "time of another type": b'{"access_token": "a", "token_type": "Bearer", "expires_in": [1], "id_token": "x"}',
    "token of another type": b'{"access_token": "a", "token_type": "Bearer", "id_token": {"a": 1}}',
    "error of another type": b'{"error": {"a": [1]}, "error_description": [7]}',
    "deep header": json.dumps({"access_token": "a", "id_token": f"{segment(DEEP)}.e30.c2ln"}).encode(),
    "deep claims": json.dumps(
        {"access_token": "a", "id_token": f"{segment({'alg': 'ES256'})}.{segment(DEEP)}.x"}
    ).encode(),
    "header of another type": json.dumps({"access_token": "a", "id_token": f"{segment([1])}.e30.c2ln"}).encode(),
}
WRONG_KEYS = WRONG | {
    "keys of another type": b'{"keys": 7}',
    "a key of another type": b'{"keys": [[], 7, null]}',
    "a key without numbers": b'{"keys": [{"kty": "EC", "crv": "P-256"}]}',
    "a key of wrong numbers": b'{"keys": [{"kty": "RSA", "n": 7, "e": {}}]}',
}
WRONG_DISCOVERIES = WRONG | {
    "address of another type": b'{"issuer": "ISSUER", "authorization_endpoint": 7}',
    "address with brackets": b'{"issuer": "ISSUER", "authorization_endpoint": "https://[x"}',
}


def some_of(answers: dict[str, bytes]) -> list[Any]:
    """Return all of these answers; of those in `WRONG`, `make test` takes three: keys are read by the same function."""
    left = [name for name in WRONG if name not in ("deep object", "no object", "no JSON")]
    return [pytest.param(name, marks=[pytest.mark.nightly] * (name in left)) for name in answers]


@dataclass
class HostileProvider(Provider):
    """A provider that answers some of its paths as `hostile` states."""

    hostile: dict[str, Hostile] = field(default_factory=dict)
    gone: int = 0
    """Answers that the other side has ended."""

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        self._either(request, super()._get)

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        self._either(request, super()._post)

    def _either(self, request: BaseHTTPRequestHandler, usual: Hostile) -> None:
        where = urlsplit(request.path).path.removeprefix("/realms/clinic")
        if where not in self.hostile:
            usual(request)
            return
        self.asked.append(where)
        request.close_connection = True
        try:
            self.hostile[where](request)
        except OSError:
            self.gone += 1


@pytest.fixture
def provider() -> Iterator[HostileProvider]:
    ENDS.clear()
    running = HostileProvider(claims=dict(RITA))
    yield running
    ENDS.set()
    running.close()


@pytest.fixture
def api(make_api: MakeApi, settings: ReadSettings) -> Api:
    return make_api(oidc=OidcProvider(settings()))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole answer has half a second."""
    monkeypatch.setattr(bounded_http, "WITHIN_S", SHORT_S)


def test_an_answer_has_ten_seconds_and_a_megabyte() -> None:
    assert (bounded_http.WITHIN_S, bounded_http.MOST_BYTES) == (10.0, 1_000_000)


@pytest.mark.parametrize("how", SLOW)
def test_a_slow_answer_ends_the_sign_in(
    api: Api, provider: HostileProvider, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    provider.hostile[TOKEN] = SLOW[how]
    client = browser(api)
    with monkeypatch.context() as patch:  # what is answered well has its ten seconds, however busy the machine is
        patch.setattr(bounded_http, "WITHIN_S", SHORT_S)
        # of the connection's limit and the whole answer's, the one that is noticed first
        refused(client, re.compile(r"has not confirmed the sign-in \((Read)?Timeout\)"))
    provider.hostile.clear()
    assert signed_in(client).status_code == 200, "the next sign-in succeeds"


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("path", [DISCOVERY, KEYS])
def test_a_slow_answer_ends_the_start(provider: HostileProvider, settings: ReadSettings, path: str) -> None:
    provider.hostile[path] = SLOW["body"]
    with pytest.raises(OidcError, match=rf"{path}: does not answer \(Timeout\)"):
        OidcProvider(settings())


@pytest.fixture
def slow_resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A resolver that does not answer before the event is set."""
    answers, usual = threading.Event(), socket.getaddrinfo

    def late(*arguments: Any, **more: Any) -> Any:
        if threading.current_thread().name == "look-up":  # the browser of these tests has a resolver of its own
            answers.wait(60)
        return usual(*arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", late)
    yield answers
    answers.set()


def test_a_resolver_that_does_not_answer_ends_the_sign_in(
    api: Api, slow_resolver: threading.Event, settings: ReadSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser(api)
    with monkeypatch.context() as patch:  # what is answered well has its ten seconds, however busy the machine is
        patch.setattr(bounded_http, "WITHIN_S", SHORT_S)
        refused(client, "has not confirmed the sign-in (Timeout)")  # the resolver itself would take a minute
        with pytest.raises(OidcError, match=r"does not answer \(Timeout\)"):
            OidcProvider(settings())
    slow_resolver.set()
    assert signed_in(client).status_code == 200, "the next sign-in succeeds"


@pytest.mark.usefixtures("short")
def test_look_ups_that_are_not_answered_take_no_further_threads(slow_resolver: threading.Event) -> None:
    def threads() -> int:
        return sum(thread.name == "look-up" for thread in threading.enumerate())

    def get() -> None:
        with requests.Session() as session:
            session.mount("http://", BoundedAdapter())
            with pytest.raises(requests.Timeout):
                session.get("http://provider.invalid/")

    with ThreadPoolExecutor(24) as pool:
        for done in [pool.submit(get) for _ in range(24)]:
            done.result()
    assert threads() == bounded_http.MOST_LOOK_UPS
    slow_resolver.set()
    until_s = time.monotonic() + 30
    while threads() and time.monotonic() < until_s:
        time.sleep(0.01)
    assert not threads()


@pytest.mark.parametrize("how", ENDLESS)
def test_an_endless_answer_is_not_read_to_its_end(
    api: Api, provider: HostileProvider, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(bounded_http, "WITHIN_S", 600.0)
    provider.hostile[TOKEN] = ENDLESS[how]
    refused(browser(api), "has not confirmed the sign-in")
    until_s = time.monotonic() + 30
    while provider.gone < 1 and time.monotonic() < until_s:
        time.sleep(0.01)
    assert provider.gone == 1, "the connection is closed"


def test_a_megabyte_is_read_and_one_byte_more_is_not(provider: HostileProvider) -> None:
    for size, allowed in ((bounded_http.MOST_BYTES, True), (bounded_http.MOST_BYTES + 1, False)):
        provider.hostile["/large"] = answering(b"x" * size)
        with requests.Session() as session:
            session.mount("http://", BoundedAdapter())
            if allowed:
                assert len(session.get(f"{provider.issuer}/large").content) == size
            else:
                with pytest.raises(bounded_http.AnswerTooLargeError, match="more than 1,000,000 bytes"):
                    session.get(f"{provider.issuer}/large")


@pytest.mark.parametrize("what", WRONG_TOKENS)
def test_a_wrong_token_answer_is_a_refusal(api: Api, provider: HostileProvider, what: str) -> None:
    provider.hostile[TOKEN] = answering(WRONG_TOKENS[what])
    refused(browser(api), "Begin again")
    provider.hostile[TOKEN] = answering(WRONG_TOKENS[what], "400 Bad Request")
    refused(browser(api), "Begin again")


@pytest.mark.parametrize("what", WRONG_KEYS)
def test_wrong_keys_are_a_refusal(
    api: Api,
    provider: HostileProvider,
    settings: ReadSettings,
    what: str,
) -> None:
    provider.hostile[KEYS] = answering(WRONG_KEYS[what])
    provider.turn_keys()
    client = browser(api)
    answer = signed_in(client)
    assert answer.status_code == 403 and who(client) is None
    with pytest.raises(OidcError, match="/keys"):
        OidcProvider(settings())
    provider.hostile.clear()
    assert signed_in(client).status_code == 200, "the next keys are good"


@pytest.mark.parametrize("what", some_of(WRONG_DISCOVERIES))
def test_a_wrong_description_of_the_provider_stops_the_start(
    provider: HostileProvider,
    settings: ReadSettings,
    what: str,
) -> None:
    body = WRONG_DISCOVERIES[what].replace(b"ISSUER", provider.issuer.encode())
    provider.hostile[DISCOVERY] = answering(body)
    with pytest.raises(OidcError):
        OidcProvider(settings())


def test_lists_of_another_type_are_no_lists(provider: HostileProvider, settings: ReadSettings) -> None:
    about = {
        "issuer": provider.issuer,
        **{f"{name}_endpoint": f"{provider.issuer}/{name}" for name in ("authorization", "token")},
        "jwks_uri": f"{provider.issuer}/keys",
        "id_token_signing_alg_values_supported": 7,
    }
    provider.hostile[DISCOVERY] = answering(json.dumps(about).encode())
    with pytest.raises(OidcError, match="signs with none"):
        OidcProvider(settings())


# TLS ------------------------------------------------------------------------------------------------------------------


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """Yield a port whose connections `answer` gets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            try:
                while True:
                    connection, _ = listener.accept()
                    with connection:
                        answer(connection)
            except OSError:
                return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("stage", ["handshake", "answer"])
def test_slow_tls_ends_the_start(certificates: Path, tmp_path: Path, stage: str) -> None:
    ends = threading.Event()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "node.crt", certificates / "node.key")

    def answer(connection: socket.socket) -> None:
        if stage == "handshake":
            ends.wait(60)
            return
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(HEAD + b"\r\n")
            while not ends.wait(0.02):
                secured.sendall(b" ")

    with listening(answer) as port:
        path = tmp_path / "oidc.toml"
        path.write_text(
            f'issuer = "https://127.0.0.1:{port}"\nclient_id = "u"\nca_file = "{certificates / "ca.crt"}"\n'
            '[roles]\na = "lead"\n'
        )
        with pytest.raises(OidcError, match=r"does not answer \((Read)?Timeout\)"):
            OidcProvider(OidcSettings.read(path))
        ends.set()


# forged tokens --------------------------------------------------------------------------------------------------------


def forged(provider: HostileProvider, api: Api, make: Callable[[dict[str, Any]], str]) -> Any:
    """Return the answer to a sign-in for which the provider's address returns a token that somebody else has made."""
    client = browser(api)
    back = way_back(client)
    code = parse_qs(urlsplit(back).query)["code"][0]
    asked = provider._codes[code]
    now = int(time.time())
    claims = RITA | {"iss": provider.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
    body = {"access_token": "a", "token_type": "Bearer", "id_token": make(claims)}
    provider.hostile[TOKEN] = answering(json.dumps(body).encode())
    answer = client.get(back)
    provider.hostile.clear()
    return answer if who(client) is None else "signed in"


def test_forged_tokens_are_refused(api: Api, provider: HostileProvider) -> None:
    key = provider.key
    other = ECKey.generate_key("P-256", {"kid": key.kid})

    def with_the_public_key(claims: dict[str, Any]) -> str:
        said = f"{segment({'alg': 'HS256', 'kid': key.kid})}.{segment(claims)}"
        return f"{said}.{segment(hmac.digest(key.as_pem(private=False), said.encode(), 'sha256'))}"

    def signed(claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key)

    def changed(claims: dict[str, Any]) -> str:
        head, _, signature = signed(claims).split(".")
        return f"{head}.{segment(claims | {'roles': 'unseen-admin'})}.{signature}"

    making: dict[str, Callable[[dict[str, Any]], str]] = {
        "alg none": lambda claims: f"{segment({'alg': 'none'})}.{segment(claims)}.",
        "alg None": lambda claims: f"{segment({'alg': 'None', 'kid': key.kid})}.{segment(claims)}.",
        "another key": lambda claims: jwt.encode({"alg": "ES256", "kid": key.kid}, claims, other),
        "key in the header": lambda claims: jwt.encode(
            {"alg": "ES256", "jwk": other.as_dict(private=False)}, claims, other
        ),
        "public key as a secret": with_the_public_key,
        "changed claims": changed,
        "no signature": lambda claims: signed(claims).rpartition(".")[0] + ".",
        "wrong audience": lambda claims: signed(claims | {"aud": "another program"}),
        "wrong issuer": lambda claims: signed(claims | {"iss": "https://another.example"}),
        "expired": lambda claims: signed(claims | {"exp": int(time.time()) - 3600, "iat": int(time.time()) - 7200}),
        "not valid yet": lambda claims: signed(claims | {"nbf": int(time.time()) + 3600}),
        "nonce of another sign-in": lambda claims: signed(claims | {"nonce": secrets.token_urlsafe(32)}),
        "endless time": lambda claims: signed(claims | {"exp": float("inf")}),
    }
    assert forged(provider, api, signed) == "signed in", "the same with nothing wrong"
    for what, make in making.items():
        answer = forged(provider, api, make)
        assert answer != "signed in", what
        assert answer.status_code == 403 and "statement is not valid" in answer.text, what


def test_a_state_and_a_nonce_are_good_once(api: Api, provider: HostileProvider) -> None:
    client = browser(api)
    back = way_back(client)
    kept: list[str] = []
    first = parse_qs(urlsplit(back).query)
    nonce = provider._codes[first["code"][0]]["nonce"]
    assert client.get(back).status_code == 200 and who(client) == ("rita", "lead")
    client.post("/api/v1/sign-out", headers={"X-Requested-With": "unseen"})
    assert client.get(back).status_code == 403 and who(client) is None, "the state is used"
    kept.append(nonce)
    answer = forged(
        provider,
        api,
        lambda claims: jwt.encode({"alg": "ES256", "kid": provider.key.kid}, claims | {"nonce": kept[0]}, provider.key),
    )
    assert answer != "signed in" and "statement is not valid" in answer.text, "the token of the first sign-in"


@pytest.mark.parametrize("path", [TOKEN, KEYS, DISCOVERY])
def test_the_server_follows_no_redirect_of_the_provider(
    api: Api,
    provider: HostileProvider,
    settings: ReadSettings,
    path: str,
) -> None:
    elsewhere = HostileProvider(claims=dict(RITA))
    with closing(elsewhere):
        for status in ("301 Moved", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"):

            def redirect(request: BaseHTTPRequestHandler, status: str = status) -> None:
                send(request, f"HTTP/1.1 {status}\r\nLocation: {elsewhere.issuer}{path}\r\n\r\n".encode())

            provider.hostile[path] = redirect
            if path == TOKEN:
                refused(browser(api), "has not confirmed")
            else:
                with pytest.raises(OidcError):
                    OidcProvider(settings())
        assert elsewhere.asked == [], "client secret and code went to another address"


def test_lost_keys_end_old_tokens_and_new_keys_are_found(api: Api, provider: HostileProvider) -> None:
    lost = provider.key
    provider.turn_keys()
    assert signed_in(browser(api)).status_code == 200, "the new key is asked for"
    answer = forged(provider, api, lambda claims: jwt.encode({"alg": "ES256", "kid": lost.kid}, claims, lost))
    assert answer != "signed in" and "statement is not valid" in answer.text, "a key that the provider withdrew"
    provider.hostile[KEYS] = answering(b"", "503 Service Unavailable")
    provider.turn_keys()
    refused(browser(api), "does not answer")
    provider.hostile.clear()
    assert signed_in(browser(api)).status_code == 200


# places ---------------------------------------------------------------------------------------------------------------


def pending(redirect_uri: str = "http://127.0.0.1/back") -> Pending:
    return Pending(nonce="n", verifier="v", redirect_uri=redirect_uri, onwards="/", until_s=time.monotonic() + 600)


def test_one_address_cannot_end_the_sign_ins_of_others() -> None:
    waiting = PendingSignIns()
    others = [waiting.add(pending(), f"10.0.0.{number}") for number in range(50)]
    flood = [waiting.add(pending(), f"2001:db8::{number % 50:x}") for number in range(5000)]
    assert all(waiting.take(state) is not None for state in others)
    assert sum(waiting.take(state) is not None for state in flood) == oidc_provider._MOST_OF_AN_ADDRESS
    assert len(waiting) == 0


def test_many_addresses_end_their_own_sign_ins_first() -> None:
    waiting = PendingSignIns()
    others = [waiting.add(pending(), f"10.0.0.{number}") for number in range(50)]
    for number in range(100):
        for _ in range(oidc_provider._MOST_OF_AN_ADDRESS):
            waiting.add(pending(), f"10.1.0.{number}")
    assert len(waiting) == oidc_provider._MOST_PENDING
    assert all(waiting.take(state) is not None for state in others)


def test_a_flood_from_one_address_leaves_another_ones_sign_in(api: Api) -> None:
    client = browser(api)
    back = way_back(client)
    for _ in range(1100):
        api.app.state.served.oidc.begin(redirect_uri="http://127.0.0.1/back", onwards="/", address="10.9.9.9")
    assert client.get(back).status_code == 200 and who(client) == ("rita", "lead")


def test_eight_sign_ins_ask_the_provider_at_once() -> None:
    inside, most, lock, go = 0, 0, threading.Lock(), threading.Event()

    def ask() -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside == PROVIDER:
                go.set()
        go.wait(30)
        with lock:
            inside -= 1

    async def all_at_once() -> None:
        places = SignInPlaces()
        async with anyio.create_task_group() as group:
            for _ in range(3 * PROVIDER):
                group.start_soon(places.by_provider, ask)

    # in a thread of its own: a test with a browser may have left a running loop in this one
    thread = threading.Thread(target=anyio.run, args=(all_at_once,))
    thread.start()
    thread.join(60)
    assert (most, PROVIDER) == (8, 8)


def test_sessions_of_many_threads_have_deadlines_of_their_own(
    provider: HostileProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_http, "WITHIN_S", 4.0)  # eight at once on a busy machine: a good answer takes its time
    provider.hostile |= {"/slow": SLOW["body"], "/good": answering(b'{"a": 1}')}

    def ask(path: str) -> str:
        with requests.Session() as session:
            session.mount("http://", BoundedAdapter())
            try:
                return session.get(f"{provider.issuer}{path}").text
            except (requests.Timeout, requests.ConnectionError):  # the second: late within the body
                return "late"

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, ["/slow", "/good"] * 4)) == ["late", '{"a": 1}'] * 4
