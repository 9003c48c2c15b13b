"""Sequences of phantom films, each drawn from its seed and index."""

from __future__ import annotations

import hashlib
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, overload

import numpy as np
from numpy.typing import NDArray

from unseen.data.film import Film
from unseen.data.phantoms.acquisition import Acquisition, Processing, draw_acquisition, expose, marker_path, prepare
from unseen.data.phantoms.attenuation import LEAD
from unseen.data.phantoms.consolidations import consolidation
from unseen.data.phantoms.effusions import effusion
from unseen.data.phantoms.geometry import Map, Mask
from unseen.data.phantoms.lesion import Lesion
from unseen.data.phantoms.lesion_ranges import CONTRASTS, KINDS, VISIBLE, Contrast, Kind
from unseen.data.phantoms.nodules import nodule
from unseen.data.phantoms.patient import Patient, draw_patient
from unseen.data.phantoms.pneumothoraces import pneumothorax
from unseen.data.pixel_digest import pixel_sha256

Stream = Literal["normal", "abnormal", "twin"]
"""Names of the sequences of phantoms; sequences with the same seed have different patients."""
_STREAMS: tuple[Stream, ...] = ("normal", "abnormal", "twin")
_LESIONS: dict[Kind, Callable[[Patient, np.random.Generator], Lesion]] = {
    "nodule": nodule,
    "consolidation": consolidation,
    "effusion": effusion,
    "pneumothorax": pneumothorax,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """Specification of one phantom film: everything that its pixels depend on.

    Args:
        seed: the seed of the sequence, 0 or more.
        stream: the sequence. "normal", "abnormal" and "twin" (matched pairs) have different patients at the same seed.
        index: the place in the sequence, from 0.
        size: the side of the film in pixels, 64 to 1024.
        kind: the type of the lesion; None: a film without a lesion.
        sharper: whether the film is sharper than other films, as from another detector: a shortcut.

    Example:
        >>> Case(seed=0, stream="normal", index=2, size=64, kind=None).patient
        'phantom-normal-0-2'
    """

    seed: int
    stream: Stream
    index: int
    size: int
    kind: Kind | None
    sharper: bool = False

    @property
    def patient(self) -> str:
        """The name of the patient; both films of a matched pair have the same one."""
        return f"phantom-{self.stream}-{self.seed}-{self.index}"

    def rng(self, part: int) -> np.random.Generator:
        """Return the generator of a part (0 patient, 1 acquisition, 2 lesion) of this case, equal in a matched pair."""
        return np.random.default_rng(self._sequence(part))

    def noise_seed(self) -> int:
        """Return the seed of the noise, which differs between the two films of a matched pair."""
        state = self._sequence(3 if self.kind is None else 4).generate_state(1, np.uint64)
        return int(state[0] >> np.uint64(1))

    def _sequence(self, part: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.seed, spawn_key=(_STREAMS.index(self.stream), self.index, part))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Healthy:
    """A patient before the detector, ready to be exposed with or without a lesion."""

    patient: Patient
    acquisition: Acquisition
    processing: Processing
    attenuation: Map


def draw_healthy(case: Case) -> Healthy:
    """Draw the patient and the exposure of a case, without the lesion.

    Args:
        case: the case; its `kind` has no effect, so both films of a matched pair can use the result.

    Returns:
        The patient, the acquisition, its processing, and the attenuation map, float32 of shape (size, size).

    Example:
        >>> case = Case(seed=0, stream="normal", index=0, size=64, kind=None)
        >>> draw_healthy(case).attenuation.shape
        (64, 64)
    """
    patient = draw_patient(case.rng(0), size=case.size)
    acquisition = draw_acquisition(case.rng(1))
    attenuation = patient.attenuation + np.float32(LEAD) * marker_path(acquisition, patient.grid)
    processing = prepare(acquisition, attenuation, patient.lungs.field)
    return Healthy(patient=patient, acquisition=acquisition, processing=processing, attenuation=attenuation)


def draw_lesion(case: Case, patient: Patient) -> Lesion:
    """Draw the lesion of a case, in its patient; the case must have one."""
    assert case.kind is not None
    return _LESIONS[case.kind](patient, case.rng(2))


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Exposed:
    """Exposed case, before its grey values are rounded to 8 bits.

    Args:
        grey: grey values in [0, 1], (size, size).
        attenuation: attenuation map of the patient with the lesion.
        lesion: None in a normal film.
    """

    grey: Map
    attenuation: Map
    lesion: Lesion | None


def draw_exposed(case: Case, healthy: Healthy) -> Exposed:
    """Expose a patient with the lesion and the noise of a case.

    Args:
        case: the case, with or without a lesion.
        healthy: the result of `draw_healthy` for the same case, or for the other film of its matched pair.

    Returns:
        Grey values in [0, 1] and the attenuation map, both of shape (size, size), and the lesion; None if the case has
        no lesion.

    Example:
        >>> case = Case(seed=0, stream="abnormal", index=0, size=64, kind="nodule")
        >>> exposed = draw_exposed(case, draw_healthy(case))
        >>> exposed.grey.shape, exposed.lesion.kind
        ((64, 64), 'nodule')
    """
    attenuation, lesion = healthy.attenuation, None
    if case.kind is not None:
        lesion = draw_lesion(case, healthy.patient)
        attenuation = np.maximum(attenuation + lesion.change, 0.0)
    grey = expose(
        healthy.acquisition,
        healthy.processing,
        healthy.patient.grid,
        attenuation,
        noise_seed=case.noise_seed(),
        sharper=case.sharper,
    )
    return Exposed(grey=grey, attenuation=attenuation, lesion=lesion)


def draw_film(case: Case, healthy: Healthy) -> Film:
    """Draw the 8-bit film of a case (`draw_exposed`, rounded)."""
    patient = healthy.patient
    exposed = draw_exposed(case, healthy)
    columns = {"kind": "none", "contrast": "none", "twin": "", "size_mm": ""}
    lesion_mask = np.zeros((case.size, case.size), np.bool_)
    if exposed.lesion is not None:
        lesion = exposed.lesion
        lesion_mask = visible(healthy, exposed.attenuation)
        columns |= {"kind": lesion.kind, "contrast": lesion.contrast, "size_mm": f"{lesion.size_mm:.1f}"}
    if case.stream == "twin":
        columns["twin"] = f"twin-{case.seed}-{case.index}"
    steps = np.rint(exposed.grey * 255.0).astype(np.uint8)
    png = encode(steps)
    who = case.patient
    return Film(
        name=f"{who}-{case.kind or 'normal'}.png",
        pixels=steps.astype(np.float32) / np.float32(255.0),
        label="normal" if case.kind is None else "abnormal",
        source="phantom",
        patient=who,
        study=f"{who}-{case.kind or 'normal'}",
        bits=8,
        view_position="PA",
        spacing_mm=10.0 * patient.grid.pixel_cm,
        file_sha256=hashlib.sha256(png).hexdigest(),
        pixel_sha256=pixel_sha256(steps),
        file_bytes=len(png),
        file_format="phantom",
        lungs=patient.lungs.field.copy(),
        lesion=lesion_mask,
        columns=columns,
    )


def visible(healthy: Healthy, attenuation: Map) -> Mask:
    """Return the pixels whose grey value differs from the healthy film by more than `VISIBLE`, both without noise."""
    films = [
        expose(healthy.acquisition, healthy.processing, healthy.patient.grid, some, noise_seed=None)
        for some in (healthy.attenuation, attenuation)
    ]
    change = np.abs(films[1] - films[0])
    return np.asarray(change > min(VISIBLE, 0.5 * float(change.max())))


def encode(steps: NDArray[np.uint8]) -> bytes:
    """Return the PNG file of an 8-bit image, compressed for speed, not for size."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(steps).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


SMALLEST, LARGEST = 64, 1024


class Phantoms(Sequence[Film]):
    """Phantom films, drawn at each access and never stored; each iteration gives the same bytes.

    Args:
        cases: specification of each film; `normals`, `abnormals` and `twins` make them.

    >>> films = normals(2, size=64)
    >>> len(films), films[1].pixels.shape, films[-1].pixel_sha256 == list(films)[1].pixel_sha256
    (2, (64, 64), True)
    """

    def __init__(self, cases: Sequence[Case]) -> None:
        self.cases = tuple(cases)

    def __len__(self) -> int:
        return len(self.cases)

    @overload
    def __getitem__(self, index: int) -> Film: ...

    @overload
    def __getitem__(self, index: slice) -> Phantoms: ...

    def __getitem__(self, index: int | slice) -> Film | Phantoms:
        if isinstance(index, slice):
            return Phantoms(self.cases[index])
        case = self.cases[index]
        return draw_film(case, draw_healthy(case))

    def __iter__(self) -> Iterator[Film]:
        known: tuple[object, Healthy] | None = None
        for case in self.cases:
            who = (case.seed, case.stream, case.index, case.size)
            if known is None or known[0] != who:
                known = (who, draw_healthy(case))
            yield draw_film(case, known[1])

    def __repr__(self) -> str:
        return f"<{len(self)} phantom films>"


def normals(n: int, *, seed: int = 0, size: int = 256) -> Phantoms:
    """Return films without a lesion. Film i depends on (seed, i) alone: `normals(10)` begins `normals(100)`.

    Args:
        n: how many.
        seed: of all that is drawn.
        size: side in pixels, 64 to 1024.

    >>> normals(2, size=64)[0].label
    'normal'
    """
    _check(n, size)
    return Phantoms([Case(seed=seed, stream="normal", index=i, size=size, kind=None) for i in range(n)])


def abnormals(n: int, *, seed: int = 0, size: int = 256, shortcut: bool = False) -> Phantoms:
    """Return films with one lesion each, lesion types in turn.

    The patients differ from those of `normals` with the same seed.

    Args:
        n: how many.
        seed: of all that is drawn.
        size: side in pixels, 64 to 1024.
        shortcut: whether these films are sharper than normal ones, as from another detector: a shortcut.

    >>> film = abnormals(1, size=64)[0]
    >>> film.label, bool(film.lesion.any())
    ('abnormal', True)
    """
    _check(n, size)
    return Phantoms(
        [
            Case(seed=seed, stream="abnormal", index=i, size=size, kind=KINDS[i % len(KINDS)], sharper=shortcut)
            for i in range(n)
        ]
    )


def twins(
    n: int, *, seed: int = 0, size: int = 256, shortcut: bool = False, contrast: Contrast | None = None
) -> Phantoms:
    """Return matched pairs: normal, abnormal, normal, abnormal, …; a pair shares its `columns["twin"]`.

    A pair is one patient in one exposure, without and with a lesion; each film has its own noise.

    Args:
        n: how many pairs, so 2·n films.
        seed: of all that is drawn.
        size: side in pixels, 64 to 1024.
        shortcut: whether the abnormal films are sharper: a shortcut.
        contrast: "faint", "moderate" or "obvious" leaves out pairs with other lesions; each pair is drawn to know its
            lesion, which takes time. None: all pairs.

    >>> [film.columns["contrast"] for film in twins(1, seed=2, size=64, contrast="obvious")]
    ['none', 'obvious']
    """
    _check(n, size)
    if contrast is not None and contrast not in CONTRASTS:
        raise ValueError(f"contrast is {contrast!r}: choose one of {', '.join(CONTRASTS)}.")
    cases: list[Case] = []
    places = itertools.count()
    while len(cases) < 2 * n:
        i = next(places)
        healthy = Case(seed=seed, stream="twin", index=i, size=size, kind=None)
        changed = replace(healthy, kind=KINDS[i % len(KINDS)], sharper=shortcut)
        if contrast is None or draw_lesion(changed, draw_patient(changed.rng(0), size=size)).contrast == contrast:
            cases += [healthy, changed]
    return Phantoms(cases)


def _check(n: int, size: int) -> None:
    if n < 0:
        raise ValueError(f"n is {n}: a number of films is 0 or more.")
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(
            f"size is {size} pixels: phantoms are drawn at {SMALLEST} to {LARGEST}. Resample them for another size."
        )
