"""A small OpenID Connect provider over HTTP that signs everybody in at once: keys, PKCE, codes that are good once.

`claims` go into the next ID tokens; `changes` spoil them, as a test asks.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

CLIENT, SECRET = "unseen", "a secret of the client"


@dataclass
class Provider:
    """`Provider()` listens at `issuer` until `close`."""

    claims: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.turn_keys()
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._post(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://{self.host}:{self._server.server_port}/realms/clinic"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def turn_keys(self) -> None:
        self.key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "alg": "ES256"})

    def _get(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        where = parts.path.removeprefix("/realms/clinic")
        self.asked.append(where)
        if where == "/.well-known/openid-configuration":
            _answer(
                request,
                {
                    "issuer": self.changes.get("issuer", self.issuer),
                    "authorization_endpoint": f"{self.issuer}/authorize",
                    "token_endpoint": f"{self.issuer}/token",
                    "jwks_uri": f"{self.issuer}/keys",
                    "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
                },
            )
        elif where == "/keys":
            _answer(request, KeySet([self.key]).as_dict(private=False))
        elif where == "/authorize":
            assert asked["response_type"] == "code" and asked["code_challenge_method"] == "S256"
            assert asked["client_id"] == CLIENT and "openid" in asked["scope"].split()
            code = secrets.token_urlsafe(16)
            self._codes[code] = asked
            request.send_response(302)
            request.send_header(
                "Location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            request.end_headers()
        else:
            request.send_error(404)

    def _post(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        asked = self._codes.pop(form.get("code", ""), None)
        named = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if (
            asked is None
            or named != f"{CLIENT}:{SECRET}"
            or form["redirect_uri"] != asked["redirect_uri"]
            or create_s256_code_challenge(form["code_verifier"]) != asked["code_challenge"]
        ):
            _answer(request, {"error": "invalid_grant"}, 400)
            return
        now = int(time.time())
        own = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (own | self.claims | self.changes).items() if value is not None}
        key = RSAKey.generate_key(2048) if self.changes.get("foreign key") else self.key
        header = {"alg": "RS256" if key is not self.key else "ES256", "kid": self.key.kid}
        token = jwt.encode(header, claims, key, algorithms=["ES256", "RS256"])
        if self.changes.get("unsigned"):
            none = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
            token = f"{none}.{token.split('.')[1]}."
        _answer(request, {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})


def _answer(request: BaseHTTPRequestHandler, body: object, status: int = 200) -> None:
    data = json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    request.wfile.write(data)
