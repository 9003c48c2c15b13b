"""Search at a peer by C-FIND or QIDO-RS: studies by patient, number or date, and the presence of an instance.

DICOMweb is used if the peer has it and cannot be called by DIMSE.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.presentation import build_context

from unseen_server.pacs import calling, transport
from unseen_server.pacs.calling import NotReachedError
from unseen_server.pacs.config import PacsConfig, PacsConfigError, Peer
from unseen_server.pacs.offered_classes import UNCOMPRESSED

if TYPE_CHECKING:
    from dicomweb_client.api import DICOMwebClient

FIND: Final = UID("1.2.840.10008.5.1.4.1.2.2.1")
"""Study Root Query/Retrieve Information Model - FIND (PS3.4, C.6.2)."""
FILM_MODALITIES: Final = ("CR", "DX")
_SHOWN: Final = (
    "StudyInstanceUID",
    "StudyDate",
    "AccessionNumber",
    "PatientID",
    "ModalitiesInStudy",
    "StudyDescription",
    "NumberOfStudyRelatedInstances",
)


@dataclass(frozen=True, kw_only=True)
class FoundStudy:
    """Study that a peer holds. A value that the peer did not send is "" or None; `modalities` has the peer's order."""

    uid: str
    date: str
    accession: str
    patient: str
    modalities: tuple[str, ...]
    description: str
    instances: int | None


def studies(
    config: PacsConfig,
    peer: Peer,
    *,
    patient: str = "",
    accession: str = "",
    study: str = "",
    dates: str = "",
    films_only: bool = True,
) -> list[FoundStudy]:
    """Return the studies of a peer that match all given values, the latest first.

    Args:
        config: configuration of the node.
        peer: the peer that is searched.
        patient: Patient ID; "" matches all.
        accession: Accession Number; "" matches all.
        study: Study Instance UID; "" matches all.
        dates: 20260101, or 20260101-20260131; "" matches all.
        films_only: return only studies that have a CR or a DX, as far as the peer lists the modalities.

    Returns:
        The studies, the latest first.

    Raises:
        NotReachedError: there is no answer, or the peer refuses.
    """
    keys = {"PatientID": patient, "AccessionNumber": accession, "StudyInstanceUID": study, "StudyDate": dates}
    found: dict[str, FoundStudy] = {}
    for modality in FILM_MODALITIES if films_only else ("",):
        for match in _search(config, peer, "STUDY", {**keys, "ModalitiesInStudy": modality}):
            one = _study_of(match)
            if one.uid and not (films_only and one.modalities and not set(one.modalities) & set(FILM_MODALITIES)):
                found[one.uid] = one
    return sorted(found.values(), key=lambda one: (one.date, one.uid), reverse=True)


def is_there(
    config: PacsConfig, peer: Peer, *, study: str, series: str, instance: str, by: Literal["find", "qido"] | None = None
) -> bool:
    """Return True if a peer shows an instance at image level; a result counts as kept then.

    Args:
        config: configuration of the node.
        peer: the peer that is searched.
        study: Study Instance UID.
        series: Series Instance UID.
        instance: SOP Instance UID.
        by: the protocol; None: C-FIND if the peer can be called, else QIDO-RS.

    Raises:
        NotReachedError: there is no answer, or the peer refuses.
    """
    keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": instance}
    matches = _search(config, peer, "IMAGE", keys, by=by)
    return any(str(match.get("SOPInstanceUID", "")) == instance for match in matches)


def dicomweb(config: PacsConfig, peer: Peer) -> DICOMwebClient:
    """Return a client for the peer's DICOMweb, which waits for at most `timeout_s` and does not retry.

    The client signs in with the current secret of the peer's file. It accepts the authority of [tls] in addition to the
    public ones. Raises NotReachedError if a file cannot be used.
    """
    from dicomweb_client.api import DICOMwebClient
    from dicomweb_client.session_utils import create_session

    session: Any = create_session()  # Any: requests has no types
    session.auth = _login(config, peer)
    if config.tls is not None:
        session.mount("https://", _trusting(config, peer))
    session.request = functools.partial(session.request, timeout=peer.timeout_s)
    client = DICOMwebClient(peer.dicomweb, session=session)
    client.set_http_retry_params(retry=False)
    return client


def web_failure(peer: Peer, error: OSError, what: str) -> NotReachedError:
    """Describe a failure of DICOMweb in a sentence: no answer, or the HTTP status of the answer."""
    if isinstance(error, NotReachedError):  # it has its sentence already
        return error
    from requests.exceptions import SSLError

    answer = getattr(error, "response", None)
    if isinstance(error, SSLError):
        return NotReachedError(
            f'"{peer.name}" did not answer {what} at {peer.dicomweb}: its certificate is not accepted, or the '
            "handshake of TLS failed. Give the authority that has signed its certificate as ca of [tls] in pacs.toml"
        )
    if answer is None:
        return NotReachedError(
            f'"{peer.name}" did not answer {what} at {peer.dicomweb} ({type(error).__name__}). '
            "Check dicomweb in pacs.toml, and that it runs"
        )
    sentence = f'"{peer.name}" answered {what} with HTTP status {answer.status_code} {answer.reason}'
    if answer.status_code in (401, 403):
        sentence += (
            ". Check dicomweb_user and dicomweb_password_file, or dicomweb_token_file, in pacs.toml, and what that "
            "account may do there"
        )
    return NotReachedError(sentence)


def _trusting(config: PacsConfig, peer: Peer) -> Any:  # Any: requests has no types
    """Return an adapter of requests with the node's TLS: its certificate, and its authority next to the public ones."""
    from requests.adapters import HTTPAdapter

    try:
        context = transport.client_context(config)
    except PacsConfigError as error:
        raise NotReachedError(f'"{peer.name}" was not asked: {error}') from error

    class Trusting(HTTPAdapter):
        def init_poolmanager(self, *given: Any, **named: Any) -> None:  # Any: requests' own
            super().init_poolmanager(*given, **named, ssl_context=context)

    return Trusting()


def _login(config: PacsConfig, peer: Peer) -> Callable[[Any], Any]:
    """Return a function that adds the peer's credentials to a request.

    It adds none if pacs.toml names none, not even those of a ~/.netrc.
    """
    from requests.auth import HTTPBasicAuth

    if peer.dicomweb_password_file:
        password = _secret(config, peer, peer.dicomweb_password_file)
        basic: Callable[[Any], Any] = HTTPBasicAuth(peer.dicomweb_user.encode(), password.encode())
        return basic
    token = _secret(config, peer, peer.dicomweb_token_file) if peer.dicomweb_token_file else ""

    def with_token(request: Any) -> Any:  # Any: a prepared request
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return request

    return with_token


def _secret(config: PacsConfig, peer: Peer, name: str) -> str:
    file = config.file(name)
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotReachedError(
            f'"{peer.name}" was not asked: {file} cannot be read ({type(error).__name__}). Let the node\'s user read it'
        ) from error
    if not text or not text.isprintable():
        raise NotReachedError(f'"{peer.name}" was not asked: {file} does not hold one line. Write the secret into it')
    return text


def _search(
    config: PacsConfig, peer: Peer, level: Literal["STUDY", "IMAGE"], keys: Mapping[str, str], *, by: str | None = None
) -> list[Dataset]:
    if by == "qido" or (by is None and not peer.called):
        return _by_qido(config, peer, level, keys)
    return _by_find(config, peer, level, keys)


def _by_find(config: PacsConfig, peer: Peer, level: str, keys: Mapping[str, str]) -> list[Dataset]:
    identifier = Dataset()
    identifier.SpecificCharacterSet = "ISO_IR 192"
    identifier.QueryRetrieveLevel = level
    for keyword in _SHOWN if level == "STUDY" else ():
        setattr(identifier, keyword, None)
    for keyword, value in keys.items():
        setattr(identifier, keyword, value or None)
    matches = []
    with calling.association(config, peer, [build_context(FIND, list(UNCOMPRESSED))]) as association:
        for status, match in association.send_c_find(identifier, FIND):
            if "Status" not in status:
                raise calling.no_answer(peer, "the query")
            if status.Status in (0xFF00, 0xFF01):
                if match is not None:
                    matches.append(match)
            elif status.Status != 0x0000:
                raise NotReachedError(f'"{peer.name}" refused the query (status 0x{status.Status:04X})')
    return matches


def _by_qido(config: PacsConfig, peer: Peer, level: str, keys: Mapping[str, str]) -> list[Dataset]:
    filters = {keyword: value for keyword, value in keys.items() if value}
    try:
        client = dicomweb(config, peer)
        if level == "STUDY":
            found = client.search_for_studies(search_filters=filters, fields=list(_SHOWN))
        else:
            study, series = filters.pop("StudyInstanceUID"), filters.pop("SeriesInstanceUID")
            found = client.search_for_instances(study, series, search_filters=filters)
    except OSError as error:  # the errors of requests are OSErrors
        raise web_failure(peer, error, "the query") from error
    except ValueError as error:
        raise NotReachedError(f'"{peer.name}" answered the query with something else than DICOM JSON') from error
    return [Dataset.from_json(match) for match in found]


def _study_of(match: Dataset) -> FoundStudy:
    def text(keyword: str) -> str:
        value = match.get(keyword)
        return "" if value is None else str(value).strip()

    modalities = match.get("ModalitiesInStudy") or ()
    count = text("NumberOfStudyRelatedInstances")
    return FoundStudy(
        uid=text("StudyInstanceUID"),
        date=text("StudyDate"),
        accession=text("AccessionNumber"),
        patient=text("PatientID"),
        modalities=(modalities,) if isinstance(modalities, str) else tuple(map(str, modalities)),
        description=text("StudyDescription"),
        instances=int(count) if count.isdecimal() else None,
    )
