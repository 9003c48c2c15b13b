"""`films(source)`: any folder, glob, manifest or file as a lazy, re-iterable sequence of `Film | NotRead`.

One film is in memory at a time, or a few where they are read ahead, and nothing is cached on disk. Decoding happens in
a child process (`decode.py`), so a hostile file costs its own row and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from unseen.artifacts.errors import UserError
from unseen.data.array_films import Array, films_from_arrays, is_array
from unseen.data.decode import Decoder, ahead, shared_decoder
from unseen.data.decoder_protocol import DecodedImage
from unseen.data.film import Film, NotRead
from unseen.data.grey_scale import grey_values
from unseen.data.label_names import LabelNames
from unseen.data.manifest import Entry, Source, SourceError, entries
from unseen.data.manifest_view import ViewContradictions, stated_view
from unseen.data.unknown_patients import is_unknown_patient, patient_of_study

_log = logging.getLogger("unseen")
_MOST_DECODERS = 4  # a score takes longer than a quarter of decoding, but for JPEG 2000


class NotReadError(UserError, ValueError):
    """Raised by strict reading in place of the first `NotRead`, which it carries as `not_read`."""

    def __init__(self, not_read: NotRead) -> None:
        super().__init__(f"{not_read.name}: {not_read.reason}")
        self.not_read = not_read

    def __reduce__(self) -> tuple[type[NotReadError], tuple[NotRead]]:
        return type(self), (self.not_read,)  # so that a worker process can raise it


@dataclass(frozen=True, kw_only=True)
class Films:
    """Entries in order; each iteration reads them again from the files.

    Law: iterating yields exactly `len(self)` values, the i-th a `Film` or `NotRead` named as the i-th entry.

    View positions of the manifest that DICOM headers contradict are logged after the last film, once.

    Args:
        entries: the inputs, in order.
        strict: whether a file that cannot be read is an error, NotReadError, instead of a `NotRead`.
        masks: whether manual lung masks are read, too.
        lesions: whether lesion masks are read, too.
    """

    entries: tuple[Entry, ...]
    strict: bool = False
    masks: bool = False
    lesions: bool = False
    _logged: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        labels = Counter(entry.label or "unlabelled" for entry in self.entries)
        return (
            f"<{len(self)} films: {', '.join(f'{count} {label}' for label, count in sorted(labels.items())) or 'none'}>"
        )

    def __iter__(self) -> Iterator[Film | NotRead]:
        return self._checked(read_film(entry, masks=self.masks, lesions=self.lesions) for entry in self.entries)

    def read_ahead(self, decoders: int | None = None) -> Generator[Film | NotRead]:
        """Iterate like `__iter__`, while further films are decoded by other processes.

        Args:
            decoders: how many processes decode; None: as `decoders_for(1)` gives.

        Each process decodes one film ahead and waits until it is taken, so memory does not grow where the caller is
        slower. Close the iterator (or go through it) to stop reading.

        >>> list(Films(entries=()).read_ahead(1))
        []
        """
        decoders_ahead = ahead(decoders_for(1) if decoders is None else decoders)
        try:
            for decoder, entry in zip(decoders_ahead, self.entries, strict=False):
                decoder.begin(entry.path)
            yield from self._checked(self._read_by(decoders_ahead))
        finally:
            for decoder in decoders_ahead:
                decoder.give_up()

    def _read_by(self, decoders: Sequence[Decoder]) -> Iterator[Film | NotRead]:
        """Yield the films; each decoder begins with its next film before a film is yielded."""
        number = len(decoders)
        for place, entry in enumerate(self.entries):
            decoder = decoders[place % number]
            result = read_film(entry, masks=self.masks, lesions=self.lesions, decoder=decoder)
            if place + number < len(self.entries):
                decoder.begin(self.entries[place + number].path)
            yield result

    def _checked(self, results: Iterable[Film | NotRead]) -> Iterator[Film | NotRead]:
        """Yield the results; raise NotReadError where reading is strict, and log contradictions after the last one."""
        found = ViewContradictions()
        for entry, result in zip(self.entries, results, strict=True):
            if isinstance(result, NotRead):
                if self.strict:
                    raise NotReadError(result)
            else:
                found.add(
                    entry.name,
                    manifest=entry.view_position,
                    view_position=result.view_position,
                    projection=result.projection,
                )
            yield result
        if (text := found.sentence) and text not in self._logged:
            self._logged.add(text)
            _log.warning(text)

    def select(self, predicate: Callable[[Entry], bool]) -> Films:
        """Return the films whose entry satisfies `predicate`, in the same order; nothing is read.

        >>> films([]).select(lambda entry: entry.label == "normal").entries
        ()
        """
        return replace(self, entries=tuple(filter(predicate, self.entries)))


def films(
    source: Source,
    *,
    strict: bool = False,
    masks: bool = False,
    lesions: bool = False,
    labels: LabelNames | None = None,
) -> Films:
    """Return the films that `source` names: a folder (to its depth), a glob, a manifest (CSV or Parquet), a single
    file, or a list of those.

    Args:
        source: where the films are. Formats (PNG, JPEG, WebP, DICOM) are judged by content, never by the file's name.
        strict: raise `NotReadError` at the first file that is not read, instead of yielding `NotRead`.
        masks: also load the lung masks that a manifest's column `mask` names; they train lung finders, and no test may
            use them.
        lesions: also load the lesion masks of the column `lesion`; they judge where anomaly maps point.
        labels: what the set calls its labels, in a column of the manifest or as names of folders; by default a manifest
            has normal or abnormal in its column `label`, and in a folder that holds the folders normal and abnormal
            these label its films. Other folders give no label.

    Raises:
        ManifestError: a manifest is broken.
        SourceError: a glob matches nothing, a folder cannot be listed, or no film has one of the given labels.

    >>> len(films([]))
    0
    >>> for film in films(["no-such-film.png"]):
    ...     print(film.reason)
    There is no such file. Check the path, or the manifest's `file` cell.
    """
    return Films(entries=entries(source, labels), strict=strict, masks=masks, lesions=lesions)


def decoders_for(workers: int) -> int:
    """Return the number of decoding processes for each of `workers` scoring processes, which have a core each.

    >>> decoders_for(1000)
    1
    """
    return max(1, min(_MOST_DECODERS, len(os.sched_getaffinity(0)) // workers - 1))


def read_film(
    entry: Entry, *, masks: bool = False, lesions: bool = False, decoder: Decoder | None = None
) -> Film | NotRead:
    """Read the film of one entry, with its masks if they are asked for.

    Args:
        entry: the film's path and what the manifest or the folder states about it.
        masks: whether to read the lung mask that the entry names.
        lesions: whether to read the lesion mask that the entry names.
        decoder: the decoder to use; None: the one of this process.

    Returns:
        The film, with pixels of shape (height, width) in [0, 1]; or `NotRead` with the reason, if the film or a mask
        that is asked for cannot be used.

    Example:
        >>> import tempfile
        >>> from unseen.data import phantoms, read_manifest
        >>> [entry] = read_manifest(phantoms.write(phantoms.normals(1, size=64), tempfile.mkdtemp()))
        >>> film = read_film(entry, masks=True)
        >>> film.pixels.shape, film.lungs.shape
        ((64, 64), (64, 64))
    """
    decoder = decoder or shared_decoder()
    decoded = decoder.decode(entry.path)
    if isinstance(decoded, str):
        return _not_read(entry, decoded)
    regions: dict[str, NDArray[np.bool_] | None] = {"mask": None, "lesion": None}
    for column, path, wanted in (("mask", entry.mask, masks), ("lesion", entry.lesion, lesions)):
        if not wanted or path is None:
            continue
        region = _region(decoder.decode(path, mask=True), column, decoded.pixels.shape)
        if isinstance(region, str):
            return _not_read(entry, region)
        regions[column] = region
    view_position, projection = stated_view(
        view_position=decoded.view_position,
        projection=decoded.projection,
        manifest=entry.view_position,
        code_beam=decoded.code_beam,
    )
    study, patient = entry.study, entry.patient
    if study == entry.name and (uid := decoded.identifiers.get("StudyInstanceUID")):
        study, patient = uid, patient_of_study(uid) if patient == entry.name else patient
    if is_unknown_patient(patient, entry.name):
        patient = _patient(decoded) or patient
    return Film(
        name=entry.name,
        pixels=grey_values(decoded),  # (height, width)
        label=entry.label,
        source=entry.source,
        patient=patient,
        study=study,
        bits=decoded.bits,
        view_position=view_position,
        patient_orientation=decoded.patient_orientation,
        projection=projection,
        origin=decoded.origin,
        related=tuple(decoded.related),
        spacing_mm=decoded.spacing_mm,
        file_sha256=decoded.file_sha256,
        pixel_sha256=decoded.pixel_sha256,
        file_bytes=decoded.file_bytes,
        file_format=decoded.file_format,
        lungs=regions["mask"],
        lesion=regions["lesion"],
        columns=entry.columns,
        tags=decoded.tags,
        identifiers=decoded.identifiers,
    )


def _patient(decoded: DecodedImage) -> str | None:
    """Return a name for the patient that is the same for all of a patient's films, without being the hospital's
    number.
    """
    number = decoded.identifiers.get("PatientID")
    if number is None:
        return None
    issuer = decoded.identifiers.get("IssuerOfPatientID", "")
    return f"id-{hashlib.sha256(f'{issuer}|{number}'.encode()).hexdigest()[:16]}"


def _region(decoded: DecodedImage | str, column: str, shape: tuple[int, ...]) -> NDArray[np.bool_] | str:
    """Return the mask as bool (height, width): true above half of its own maximum, so that 0/1 and 0/255 masks both
    work.
    """
    if isinstance(decoded, str):
        return f"The file in the column `{column}` was not read: {decoded}"
    if decoded.pixels.shape != shape:
        return (
            f"The mask in the column `{column}` is {decoded.pixels.shape[1]}×{decoded.pixels.shape[0]} pixels, "
            f"the film {shape[1]}×{shape[0]}. Give a mask of the film's size."
        )
    highest = int(decoded.pixels.max())
    return decoded.pixels * np.float32(2) > highest if highest else np.zeros(shape, bool)


def _not_read(entry: Entry, reason: str) -> NotRead:
    return NotRead(name=entry.name, reason=reason, label=entry.label, source=entry.source, patient=entry.patient)


Given = Source | Film | Array | Iterable[Film | NotRead] | Iterable[Array]
"""Films; where they are: a folder, a glob, a manifest, a file, or a list of these; or images as arrays."""


def films_in(given: Given, *, masks: bool = False, lesions: bool = False) -> Iterable[Film | NotRead]:
    """Return films as they are given, those that a path names, or those of arrays.

    Args:
        given: films, where they are, or images as `films_from_arrays` takes them.
        masks: as for `films`.
        lesions: as for `films`.

    Returns:
        The films. Those of a path or an iterator are read one by one, when they are needed.

    Raises:
        ManifestError: a manifest is broken.
        SourceError: the path names no film.
        TypeError: something else; from an iterator, this is raised when the value is reached.
        ValueError: an array that is no image; see `films_from_arrays`.

    Example:
        >>> films_in([])
        []
        >>> films_in("no-such-folder/*.png")
        Traceback (most recent call last):
            ...
        unseen.data.source_errors.SourceError: ...
        >>> [film.name for film in films_in(np.zeros((2, 64, 64), np.uint8))]
        ['array 0', 'array 1']
    """
    if _is_path(given) or (isinstance(given, list | tuple) and given and all(map(_is_path, given))):
        return _films_at(cast("Source", given), masks=masks, lesions=lesions)
    if isinstance(given, Film | NotRead):
        return [given]
    if is_array(given) or (isinstance(given, list | tuple) and given and all(map(is_array, given))):
        return films_from_arrays(cast("Array | Sequence[Array]", given))
    if isinstance(given, list | tuple):
        for place, film in enumerate(given):
            if not isinstance(film, Film | NotRead):
                raise TypeError(_no_film(film, place))
        return cast("Sequence[Film | NotRead]", given)
    if isinstance(given, Films):
        return given
    if not isinstance(given, Mapping | bytes) and hasattr(given, "__iter__"):
        return _Checked(given) if isinstance(given, Sized) else _checked(cast("Iterable[object]", given))
    raise TypeError(_no_film(given, None))


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike)


def _films_at(source: Source, *, masks: bool, lesions: bool) -> Films:
    """Return the films that a path or a list of paths names. Raises SourceError if there are none."""
    if isinstance(source, list | tuple):
        listed = films([str(path) for path in source], masks=masks, lesions=lesions)
    else:
        listed = films(source, masks=masks, lesions=lesions)
        if len(listed.entries) == 1 and not listed.entries[0].path.exists() and listed.entries[0].name == str(source):
            raise SourceError(f"{source}: no such file or folder. Check the path.")
    if not listed.entries:
        raise SourceError(f"{source}: no film was found there. Give films, or a folder that holds some.")
    return listed


def _no_film(value: object, place: int | None) -> str:
    where = "" if place is None else f" at place {place}"
    return (
        f"A {type(value).__name__}{where} is no film. Give a path (folder, glob, manifest, file), films, or images as "
        "arrays (n, height, width)."
    )


def _checked(given: Iterable[object]) -> Iterator[Film | NotRead]:
    arrays = 0
    for place, one in enumerate(given):
        if isinstance(one, Film | NotRead):
            yield one
        elif is_array(one):
            images = films_from_arrays(one, first=arrays)
            arrays += len(images)
            yield from images
        else:
            raise TypeError(_no_film(one, place))


@dataclass(frozen=True)
class _Checked:
    """Films of a collection that can be iterated over again, such as a user's own data set."""

    given: Iterable[object]

    def __len__(self) -> int:
        return len(cast("Sized", self.given))

    def __iter__(self) -> Iterator[Film | NotRead]:
        return _checked(self.given)
