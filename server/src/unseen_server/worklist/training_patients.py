"""Patients on whose films a model was trained, among all scored films of the worklist, reported or not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, select

from unseen.data import training_patients as training_patients_among
from unseen_server.worklist.tables import films, studies

if TYPE_CHECKING:
    from unseen_server.worklist.transactions import Found

_CHUNK = 10_000
"""Values in a query: SQLite takes 32,766, PostgreSQL 65,535."""


def patient_name(study: str, patient: str | None, issuer: str | None) -> str:
    """Return the name of a study's patient: issuer and number, as they are stored; exports have these names, too.

    Args:
        study: the study's public id. A study without a patient number counts as a patient.
        patient: the patient number, or its pseudonym.
        issuer: of the patient number.

    Example:
        >>> patient_name("s-1", "4711", None), patient_name("s-2", None, None)
        ('4711', 's-2')
    """
    return study if patient is None else "/".join(filter(None, (issuer, patient)))


def training_patients(connection: Connection, training_films: Collection[str]) -> frozenset[str]:
    """Return the patients of training films, and the patients who are connected to them by shared films.

    Two patients with a film of the same pixels are one person under two names, as for `unseen calibrate`. The digest of
    a film's pixels is known after a worker has scored it.

    Args:
        connection: a connection.
        training_films: pixel digests of the films that the model was trained on.

    Returns:
        The patients, as `patient_name` names them.
    """
    return training_patients_of(connection, {"": training_films})[""]


def training_patients_of(
    connection: Connection, training_films: Mapping[str, Collection[str]]
) -> dict[str, frozenset[str]]:
    """Return `training_patients` of several models, with as many queries as for one model that has all their films.

    Args:
        connection: a connection.
        training_films: by model, the pixel digests of the films that it was trained on.

    Returns:
        The patients by model.
    """
    found: set[str] = set()
    pixels: set[str] = set().union(*training_films.values())
    listed: set[tuple[str, str]] = set()
    new: Collection[str] = pixels
    while new:
        patients = {_name(row): row for row in _films(connection, films.c.pixel_sha256, new)}
        joined = {name: row for name, row in patients.items() if name not in found}
        found |= joined.keys()
        further = _films_of(connection, joined)
        listed |= further
        new = {digest for _, digest in further} - pixels
        pixels |= new
    return {model: training_patients_among(listed, learnt) for model, learnt in training_films.items()}


def _name(row: Found) -> str:
    return patient_name(row.public_id, row.patient, row.issuer)


def _films_of(connection: Connection, patients: dict[str, Found]) -> set[tuple[str, str]]:
    """Return patient and pixel digest of all scored films of these patients."""
    numbers = {row.patient for row in patients.values() if row.patient is not None}
    unnamed = {row.public_id for row in patients.values() if row.patient is None}
    rows = [*_films(connection, studies.c.patient, numbers), *_films(connection, studies.c.public_id, unnamed)]
    return {(_name(row), row.pixel_sha256) for row in rows if row.pixel_sha256 is not None and _name(row) in patients}


def _films(connection: Connection, column: Column[Any], values: Collection[str]) -> Iterator[Found]:  # Any: its values
    """Return the films with one of these values: patient and pixels, each pair once."""
    listed = list(values)
    query = select(studies.c.public_id, studies.c.patient, studies.c.issuer, films.c.pixel_sha256).distinct()
    for start in range(0, len(listed), _CHUNK):
        chosen = query.join(films, films.c.study_id == studies.c.id).where(column.in_(listed[start : start + _CHUNK]))
        rows: Iterable[Found] = connection.execute(chosen)
        yield from rows
