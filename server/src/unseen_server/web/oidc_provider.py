"""Sign-in through a hospital's identity provider by OpenID Connect.

It uses the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).

The server requests the provider's addresses and keys at the start, and a token at each sign-in. It requests the keys
again if a token names an unknown key. Nothing else goes over the network. The provider's statement about a person is
accepted only if its signature, issuer, audience, time and nonce are right (OpenID Connect Core, 3.1.3.7).

Each answer of the provider has a limit on time and size (`bounded_http`). So the provider cannot exhaust this server's
threads and memory.
"""

from __future__ import annotations

import hashlib
import ipaddress
import secrets
import threading
import time
import tomllib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from unseen.artifacts import UserError
from unseen_server.service.waiting_clients import address_group
from unseen_server.web.bounded_http import BoundedAdapter
from unseen_server.worklist.accounts import ROLES, PersonRole

PENDING_S: Final = 600.0
"""Time that a person may take at the provider."""
LEEWAY_S: Final = 60
_MOST_PENDING: Final = 1000
_MOST_OF_AN_ADDRESS: Final = 100
"""Most unfinished sign-ins of one address; a further one removes its oldest."""
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")


_NOT_AS_IT_MUST_BE: Final = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""Errors that parsers raise on a provider's malformed answer: wrong types, too large numbers, too deep nesting."""

_Session = TypeVar("_Session", bound=requests.Session)


class OidcError(UserError, RuntimeError):
    """Error of the provider, of its settings or of its statement about a person: the sign-in is not possible."""


def _domain(written: str) -> str:
    """Return a domain as e-mail addresses are compared with it: in small letters, without an @ before it."""
    return written.strip().lower().removeprefix("@")


class OidcSettings(BaseModel):
    """Settings in oidc.toml; docs/how-to/single-sign-on.md explains each."""

    model_config = ConfigDict(extra="forbid")

    issuer: str
    client_id: str
    client_secret: str = Field(default="", repr=False)
    client_secret_file: Path | None = None
    ca_file: Path | None = None
    label: str = Field(default="your hospital's account", max_length=60)
    scopes: list[str] = ["openid", "email", "profile"]
    name_claim: str = "preferred_username"
    role_claim: str = "roles"
    roles: dict[str, PersonRole]
    domains: list[Annotated[str, AfterValidator(_domain)]] = []
    groups_claim: str = "groups"
    groups: list[str] = []

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and check the settings. Raises OidcError, which names the wrong key."""
        try:
            found = cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
            if found.client_secret_file is not None:
                found = found.model_copy(update={"client_secret": _secret(path.parent / found.client_secret_file)})
            if found.ca_file is not None:
                found = found.model_copy(update={"ca_file": path.parent / found.ca_file})
        except OSError as error:
            raise OidcError(f"{error.filename}: cannot be read ({error.strerror}). Check --oidc.") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise OidcError(f"{path}: is no TOML ({error}).") from error
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            raise OidcError(f"{path}: {wrong}. See docs/how-to/single-sign-on.md.") from error
        if not found.roles:
            raise OidcError(f"{path}: roles is empty, so that nobody could sign in. Name a value for each role.")
        _check_address(found.issuer, "issuer")
        return found


def _secret(path: Path) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise OidcError(f"{path}: is no text in UTF-8. Write the client's secret into it, in one line.") from error
    if not secret:
        raise OidcError(f"{path}: is empty. Write the client's secret into it, in one line.")
    return secret


@dataclass(frozen=True, kw_only=True)
class ProviderIdentity:
    """Person whom the provider has signed in.

    Attributes:
        name: name of the account at the provider.
        subject: digest of issuer and subject; it stays the same when the person's name changes.
        role: role that follows from the role claim.
    """

    name: str
    subject: str
    role: PersonRole


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Unfinished sign-in of a browser."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    onwards: str
    until_s: float


class PendingSignIns:
    """Unfinished sign-ins of browsers, by state; limited for each address and in total.

    An address above its limit loses its own oldest sign-in. Above the total limit, the address with the most sign-ins
    loses its oldest one. So nobody can end the sign-ins of others by beginning many.

    Args:
        most: Sign-ins of all addresses.
        of_an_address: Sign-ins of one address; the /64 network of an IPv6 address counts as one.
    """

    def __init__(self, *, most: int = _MOST_PENDING, of_an_address: int = _MOST_OF_AN_ADDRESS) -> None:
        self._most, self._of_an_address = most, of_an_address
        self._lock = threading.Lock()
        self._groups: dict[str, str] = {}  # by state
        self._pending: dict[str, OrderedDict[str, Pending]] = {}  # by group of addresses, then by state

    def __len__(self) -> int:
        """Return the number of unfinished sign-ins."""
        return len(self._groups)

    def add(self, pending: Pending, address: str) -> str:
        """Keep a sign-in and return its state."""
        state, group = secrets.token_urlsafe(32), address_group(address)
        with self._lock:
            own = self._pending.setdefault(group, OrderedDict())
            own[state] = pending
            self._groups[state] = group
            if len(own) > self._of_an_address:
                self._remove(next(iter(own), state))
            if len(self._groups) > self._most:
                most = max(self._pending.values(), key=len)
                self._remove(next(iter(most), state))
        return state

    def take(self, state: str) -> Pending | None:
        """Return a sign-in and remove it; None for an unknown state."""
        with self._lock:
            return self._remove(state) if state in self._groups else None

    def _remove(self, state: str) -> Pending:
        group = self._groups.pop(state)
        found = self._pending[group].pop(state)
        if not self._pending[group]:
            del self._pending[group]
        return found


class OidcProvider:
    """Provider whose addresses and keys are known. Raises OidcError if an answer of the provider is not valid."""

    def __init__(self, settings: OidcSettings, *, clock: Callable[[], float] = time.time) -> None:
        self.settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._pending = PendingSignIns()
        about = self._asked(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != settings.issuer:
            raise OidcError(
                f"{settings.issuer}: the provider calls itself {str(about.get('issuer'))[:200]!r}. Write it so."
            )
        self._authorization, self._token, self._jwks = (
            _check_address(str(about.get(name, "")), name)
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")
        )
        offered = _names(about, "id_token_signing_alg_values_supported", "RS256")
        self._algorithms = [name for name in _ALGORITHMS if name in offered]
        if not self._algorithms:
            raise OidcError(f"{settings.issuer}: signs with none of {', '.join(_ALGORITHMS)}. Change that there.")
        methods = _names(about, "token_endpoint_auth_methods_supported", "client_secret_basic")
        basic = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        self._method = basic if settings.client_secret else "none"
        self._keys = self._known_keys()

    def begin(self, *, redirect_uri: str, onwards: str, address: str) -> tuple[str, str]:
        """Begin a sign-in.

        Args:
            redirect_uri: address to which the provider sends the browser back.
            onwards: page of this server that the browser is led to in the end.
            address: address of the browser.

        Returns:
            The address to which the browser is sent, and the state that it must send back.
        """
        pending = Pending(
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            redirect_uri=redirect_uri,
            onwards=onwards,
            until_s=time.monotonic() + PENDING_S,
        )
        state = self._pending.add(pending, address)
        with self._client(redirect_uri) as client:
            url, _ = client.create_authorization_url(
                self._authorization, state=state, code_verifier=pending.verifier, nonce=pending.nonce
            )
        return str(url), state

    def ended(self, state: str) -> Pending:
        """Return the sign-in of `state` and remove it. Raises OidcError if it is unknown, used or too old."""
        pending = self._pending.take(state)
        if pending is None or pending.until_s < time.monotonic():
            raise OidcError("This sign-in was used already, or is too old. Begin again from the sign-in page.")
        return pending

    def identity(self, pending: Pending, code: str) -> ProviderIdentity:
        """Return the person that the provider's code identifies. Raises OidcError if any part of it is wrong."""
        try:
            with self._client(pending.redirect_uri) as client:
                answer = client.fetch_token(
                    self._token,
                    code=code,
                    code_verifier=pending.verifier,
                    grant_type="authorization_code",
                    allow_redirects=False,
                )
        except (AuthlibBaseError, requests.RequestException, *_NOT_AS_IT_MUST_BE) as error:
            raise OidcError(
                f"The provider has not confirmed the sign-in ({type(error).__name__}). Begin again."
            ) from error
        claims = self._claims(str(answer.get("id_token", "")), pending.nonce)
        return self._person(claims)

    def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:  # Any: JSON
        asked = jwt.JWTClaimsRegistry(
            now=int(self._clock()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.settings.issuer},
            aud={"essential": True, "value": self.settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        try:
            claims = self._decoded(token)
            asked.validate(claims)
        except (JoseError, *_NOT_AS_IT_MUST_BE) as error:
            raise OidcError(
                f"The provider's statement is not valid ({type(error).__name__}): its signature, issuer, audience, "
                "time or nonce. Begin again; if it fails again, tell the administrator."
            ) from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.settings.client_id:
            raise OidcError("The provider's statement is for several programs, and was not given to this one.")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._keys, algorithms=self._algorithms).claims
        except (JoseError, *_NOT_AS_IT_MUST_BE):
            self._keys = self._known_keys()  # the provider may have changed its keys
            return jwt.decode(token, self._keys, algorithms=self._algorithms).claims

    def _person(self, claims: Mapping[str, Any]) -> ProviderIdentity:
        settings = self.settings
        if settings.domains:
            _, at, domain = str(claims.get("email", "")).rpartition("@")
            if not at or claims.get("email_verified") is not True or domain.lower() not in settings.domains:
                raise OidcError(
                    "The account's verified e-mail address is of none of the domains that may sign in here."
                )
        if settings.groups and not set(_values(claims, settings.groups_claim)) & set(settings.groups):
            raise OidcError("The account is in none of the groups that may sign in here.")
        held = {settings.roles[value] for value in _values(claims, settings.role_claim) if value in settings.roles}
        if not held:
            raise OidcError("The account has no role here. Ask whoever runs the sign-in for one.")
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or not name:
            raise OidcError(
                f"The provider's statement has no {settings.name_claim}. Set name_claim to one that it has."
            )
        subject = hashlib.sha256(f"{settings.issuer}\0{claims['sub']}".encode()).hexdigest()
        return ProviderIdentity(name=name, subject=subject, role=max(held, key=ROLES.index))

    def _client(self, redirect_uri: str) -> OAuth2Session:
        session = OAuth2Session(
            self.settings.client_id,
            self.settings.client_secret or None,
            scope=" ".join(self.settings.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method=self._method,
        )
        return self._set_up(session)

    def _set_up(self, session: _Session) -> _Session:
        for scheme in ("https://", "http://"):
            session.mount(scheme, BoundedAdapter())
        session.trust_env = False  # .netrc would send another program's password
        session.proxies = requests.utils.get_environ_proxies(self.settings.issuer)
        session.verify = True if self.settings.ca_file is None else str(self.settings.ca_file)
        return session

    def _known_keys(self) -> KeySet:
        try:
            return KeySet.import_key_set(self._asked(self._jwks))  # type: ignore[arg-type]  # import_key_set checks it
        except (JoseError, *_NOT_AS_IT_MUST_BE) as error:
            raise OidcError(f"{self._jwks}: these are no keys (RFC 7517).") from error

    def _asked(self, url: str) -> dict[str, Any]:
        try:
            with self._set_up(requests.Session()) as session:
                asked = session.get(url, allow_redirects=False)
                asked.raise_for_status()
                answer = asked.json()
        except (requests.RequestException, *_NOT_AS_IT_MUST_BE) as error:
            raise OidcError(
                f"{url}: does not answer ({type(error).__name__}). Check issuer, and the network."
            ) from error
        if not isinstance(answer, dict):
            raise OidcError(f"{url}: answers with something else than a JSON object. Check issuer.")
        return answer


def _names(about: Mapping[str, Any], key: str, default: str) -> list[str]:
    """Return the names that a provider lists under `key`; values that are not text are left out."""
    listed = about.get(key, [default])
    return [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []


def _values(claims: Mapping[str, Any], path: str) -> list[str]:
    """Return the values of a claim, one or a list. A dot leads into an object: realm_access.roles.

    >>> _values({"realm_access": {"roles": ["a", "b"]}}, "realm_access.roles"), _values({"role": "a"}, "role")
    (['a', 'b'], ['a'])
    """
    found: object = claims
    if path not in claims:
        for name in path.split("."):
            found = found.get(name) if isinstance(found, Mapping) else None
    else:
        found = claims[path]
    if isinstance(found, str):
        return [found]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _check_address(url: str, what: str) -> str:
    """Return the address if it uses TLS or is on this machine. Raises OidcError otherwise."""
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
    except ValueError:  # brackets without an IPv6 address
        raise OidcError(f"{what} is {url[:200]!r}. Give an address that begins with https://.") from None
    try:
        local = name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        local = False
    if not name or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise OidcError(f"{what} is {url[:200]!r}. Give an address that begins with https://.")
    return url
