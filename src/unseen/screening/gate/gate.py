"""`Gate`: refuses an image that is not a proper frontal chest film, and gives the reason.

Image and lungs decide whether it is a chest film. A frontal film that differs from the training films in another way,
such as one of another device, gets a remark: it is scored, and never cleared.

Law: the refusal of a film depends only on that film. Thresholds are quantiles of the training normals, each evaluated
by rules that were fitted without it, so that about 3.4 % of similar proper films are refused.
"""

from __future__ import annotations

import heapq
import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from unseen.artifacts.errors import UserError
from unseen.artifacts.recipe import validated
from unseen.data.film import Film, NotRead, one_line
from unseen.screening.gate.card_settings import GateSettings
from unseen.screening.gate.features import VIEWS, Floats, Look, mirror_difference, own_range, stretched, zscored
from unseen.screening.gate.frontal_view import LEAST_SYMMETRY, FrontalView
from unseen.screening.gate.learnt_rules import HANDLING, Examples, Reduced, Rules, out_of_fold, upper_limit
from unseen.screening.gate.refusal_codes import Refusal
from unseen.screening.gate.tag_checks import judge_tags
from unseen.screening.gate.transforms import Pixels, turned_anticlockwise, turned_clockwise, turned_over

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from unseen.anatomy.found_lungs import Finder

_log = logging.getLogger("unseen")

SHARES = {"handling": 0.004, "mirrored": 0.0075, "lungs": 0.004, "unlike": 0.0185}
"""Share of proper films that each check may refuse; the sum is 0.034. Chosen on fold 0."""
LEAST_NORMALS = 20
MOST_NORMALS = 1500
"""Largest number of training films; of more, a seeded sample: about 15 altered images of each are in memory."""
_MOST_REFUSED = 0.05  # of proper films; a gate from so few films that it may refuse more warns
UNLIKE = 1.5
"""Limit of the mean distance of image and lungs to the training normals, as a multiple of the distance that 99 % of
these do not exceed. 2 to 4 % of the frontal films of other hospitals (nih_cxr8, kermany) are above it, and nearly all
photographs and images of brains."""
LUNGS = 2.0
"""Multiple of the limit from which lungs of an unusual shape are refused; between limit and this, the film differs."""
_NEARER = 1.7
"""Least factor by which undoing an alteration must bring an image nearer to the normals. It is 2.3 to 16 for 40 films
turned over (ms_cxr), and 0.8 to 1.3 for six upright films of consolidations (kermany) that were wrongly called
turned."""
_LOOK = {"cropped": 1.0, "lungs": 0.8}
"""Limit by reason: the image inside the lungs' box is strange above this multiple of the distance that 99 % of the
training normals do not exceed. Whole frontal films of other hospitals are seldom above it; laterals and most crops
are."""
_CROPPED = 4.0
"""Least log-odds for the code `cropped`. Between the limit and this, a film is refused for another reason if the image
inside the lungs' box is strange, and differs if it is not. Chosen on one half of the films of `views` and `nih_cxr8`,
with `_LOOK` and `_MIRRORED`."""
_MIRRORED = 3.0
"""Least log-odds for a refusal as `left-right`; between the limit and this, the film differs."""
_DEEPER = 0.25
"""Share of the nominal range. A film that fills less of it was stored with more bits than it has (12 in a file of 16):
it is evaluated on its own range. A pale film that fills more is evaluated unchanged: its exposure is unlike that of the
training films."""
_OF_OTHER_VIEWS = ("cropped", "lungs", "unlike")
"""Codes that the rules give to a lateral, since they were fitted only to frontal films."""
_ANATOMY = ("picture", "crop")
_LEAST_SIDE = 64  # the lung finder's grid
_FORMAT = 1
_CODES = {
    "turned-clockwise": "turned",
    "turned-anticlockwise": "turned",
    "turned-over": "turned",
    "upside-down": "turned",
    "mirrored": "left-right",
    "inverted": "inverted",
    "cropped": "cropped",
}
_TURNS = {
    "turned-clockwise": "by 90° anticlockwise",
    "turned-anticlockwise": "by 90° clockwise",
    "turned-over": "by 180° or flipped top to bottom",
    "upside-down": "by 180° or flipped top to bottom",
}
"""Transformations that undo an alteration."""


def refused_at_most(normals: int) -> float:
    """Return the share of proper films that a gate from a number of normal films may refuse.

    Each check has its share, or 1/(n + 1) if the films are too few for that.

    >>> f"{refused_at_most(24):.3f}", f"{refused_at_most(249):.3f}"
    ('0.160', '0.034')
    """
    return sum(max(share, 1 / (normals + 1)) for share in SHARES.values())


class GateError(UserError, ValueError):
    """Films to which no gate can be fitted, or settings and tensors of no gate; a sentence for the user."""


class Gate:
    """Input gate, made by `Gate.fit`, or by `Gate.of` from `settings` and `tensors`.

    >>> from unseen.screening import load
    >>> gate = load("models/pca").gate
    >>> sorted(gate.thresholds)[:3]
    ['blank', 'handling', 'lungs']

    Args:
        rules: the learnt rules.
        typical: distances that nearly all training films do not exceed, by view.
        least_age_years: films whose PatientAge is lower are refused; None: no limit.
        normals: number of training films.
        seed: seed of the training.
        thresholds: limits by name: `small` (pixels of the shorter side), `blank` (spread of grey) and `no-lungs` (share
            of the film) are refused below; `handling` (turned, upside down, inverted, cropped), `mirrored`, `unlike`
            (log-odds) and `lungs` (squared distance) above.
    """

    def __init__(
        self,
        rules: Rules,
        thresholds: Mapping[str, float],
        *,
        typical: Mapping[str, float],
        least_age_years: float | None,
        normals: int,
        seed: int,
    ) -> None:
        self.thresholds = dict(thresholds)
        self.least_age_years = least_age_years
        self._arrays = {name: values.astype(np.float32) for name, values in rules.arrays().items()}
        # rounded to float32, as in the bundle, so that a loaded gate gives the same results
        self._rules = Rules.of({name: values.astype(np.float64) for name, values in self._arrays.items()})
        self._typical = dict(typical)  # distances that 99 % (views) or 95 % (crops) of the training films keep to
        self._normals, self._seed = normals, seed
        self._settings: dict[str, object] | None = None  # as read from a card

    def __repr__(self) -> str:
        return f"<Gate, learnt from {self._normals} films>"

    @classmethod
    def fit(
        cls,
        normals: Iterable[Film | NotRead],
        *,
        finder: Finder,
        seed: int = 0,
        least_age_years: float | None = 16.0,
    ) -> Gate:
        """Fit a gate to normal films, the training films of the detector.

        One whole film is in memory at a time.

        Args:
            normals: the films; those that could not be read are left out.
            finder: lung finder of the detector; with `CrossFittedLungs`, masks of training films are from finders that
                were not trained on them.
            seed: seed of the alterations, and of the sample of the films if there are many.
            least_age_years: films whose PatientAge is lower are refused; None: the training films are of children.

        Raises:
            GateError: a film is labelled abnormal, or fewer than 20 films can be read.
        """
        films = _some(normals, seed=seed)
        if len(films) < LEAST_NORMALS:
            raise GateError(
                f"a gate needs {LEAST_NORMALS} normal films or more, and {len(films)} could be read. Give more films"
            )
        if (most := refused_at_most(len(films))) > _MOST_REFUSED:
            _log.warning(
                "the input gate learns from %d films only: it may refuse up to %.0f %% of proper normal films, and "
                "more of the abnormal ones, with a reason that is wrong. With 250 normal films or more, a gate refuses "
                "%.1f %% of proper normal films",
                len(films), 100 * most, 100 * refused_at_most(250),
            )  # fmt: skip
        examples = Examples.of(films, finder, seed=seed)
        values = out_of_fold(examples)
        handling = np.max([values[name] for name in HANDLING], axis=0)
        thresholds = {
            "small": float(max(_LEAST_SIDE, examples.sides.min() / 4)),
            "blank": float(np.quantile(examples.spreads, 0.01)) / 2,
            "no-lungs": float(np.quantile(examples.areas, 0.01)) / 2,
            # at least even odds: a film that is more like a proper one than like an altered one passes
            "handling": max(0.0, upper_limit(handling, share=SHARES["handling"])),
            "mirrored": max(0.0, upper_limit(values["mirrored"], share=SHARES["mirrored"])),
            "lungs": upper_limit(values["lungs"], share=SHARES["lungs"]),
            "unlike": upper_limit(values["unlike"], share=SHARES["unlike"]),
        }
        typical = {name: float(np.quantile(values[f"view {name}"], 0.99)) for name in VIEWS}
        typical["cropped"] = float(np.quantile(values["cropped image"], 0.95))
        rules = Rules.fit(examples, np.ones(len(films), dtype=bool))
        return cls(rules, thresholds, typical=typical, least_age_years=least_age_years, normals=len(films), seed=seed)

    def judge(self, film: Film, lungs: NDArray[np.bool_] | None, /) -> Refusal | None:
        """Return why `film` must not be scored, or None.

        Args:
            film: the film.
            lungs: lungs of the whole film, bool, at any resolution; None if the detector has no finder: then only tags,
                size and contrast are checked.
        """
        limits = self.thresholds
        refusal = judge_tags(film.tags, least_age_years=self.least_age_years)
        if refusal is not None:
            return refusal
        side = float(min(film.pixels.shape))
        if side < limits["small"]:
            return self._refused("small", "small", side, what=f"{limits['small']:.0f}")
        mask = np.zeros((1, 1), dtype=bool) if lungs is None else lungs
        look = Look.at(film.pixels, mask)
        if look.spread < limits["blank"]:
            own = own_range(film.pixels, bits=film.bits)
            if own is None:
                return self._refused("blank", "blank", look.spread)
            if own[1] - own[0] <= _DEEPER:
                look = Look.at(stretched(film.pixels, *own), mask)
        return None if lungs is None else self._judge_image(look)

    def values(self, film: Film, lungs: NDArray[np.bool_]) -> dict[str, float]:
        """Return the values compared with the thresholds, by the rules' names: for figures, not for decisions."""
        return self._values(Look.at(film.pixels, lungs))[0]

    def settings(self) -> dict[str, object]:
        """Return the settings for a card, as JSON values.

        Those of a gate that was read from a card are exactly that card's, unless its limits were changed.
        """
        if self._settings is not None:
            limits = {"thresholds": dict(self.thresholds), "least_age_years": self.least_age_years}
            return self._settings | {name: value for name, value in limits.items() if value != self._settings[name]}
        return {
            "format": _FORMAT,
            "thresholds": dict(self.thresholds),
            "typical": dict(self._typical),
            "shares": dict(SHARES),
            "least_age_years": self.least_age_years,
            "normals": self._normals,
            "seed": self._seed,
        }

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors for a bundle, float32; each name begins with `gate.`."""
        import torch

        return {f"gate.{name}": torch.from_numpy(values.copy()) for name, values in self._arrays.items()}

    @classmethod
    def of(cls, settings: Mapping[str, object], tensors: Mapping[str, Tensor]) -> Gate:
        """Return the gate of `settings()` and `tensors()`; its results are the same as those of the first gate.

        Raises:
            GateError: something is missing or of another format.
        """
        if settings.get("format") != _FORMAT:
            raise GateError(
                f"the gate's format is {settings.get('format')!r}, and this version reads {_FORMAT}. Update unseen"
            )
        try:
            read = validated(settings, GateSettings, where="gate")
            arrays = {name.removeprefix("gate."): tensor.numpy().astype(np.float64) for name, tensor in tensors.items()}
            gate = cls(
                Rules.of(arrays),
                read.thresholds.model_dump(by_alias=True),
                typical=read.typical,
                least_age_years=read.least_age_years,
                normals=read.normals,
                seed=read.seed,
            )
        except (KeyError, TypeError, ValueError) as error:
            problems = "; ".join(str(error).splitlines())
            raise GateError(
                f"the gate's settings or tensors are not whole ({problems}). Copy the bundle again"
            ) from error
        gate._settings = dict(settings)
        return gate

    def _judge_image(self, look: Look) -> Refusal | None:
        found = self._judge_values(look)
        if found is not None and found.code in _OF_OTHER_VIEWS:
            view = FrontalView.of(look.image)
            if view.lacks_frontal_features:
                return Refusal("not-frontal", view.symmetry, LEAST_SYMMETRY)
        return found

    def _judge_values(self, look: Look) -> Refusal | None:
        limits = self.thresholds
        values, views = self._values(look)
        remoteness = self._remoteness(views)
        broken = [name for name in HANDLING if values[name] > limits["handling"]]
        # a crop cannot be undone, so that each other alteration explains the image better
        broken.sort(key=lambda name: (name == "cropped", -values[name]))
        strange_part = False  # an image that may be a part of a film is refused for another reason
        for name in broken:
            if not self._explains(name, look):
                continue
            if name != "cropped" or values[name] > _CROPPED:
                return self._altered(name, values[name])
            strange_part = self._strange_lungs("cropped", views)
        if look.lung_area < limits["no-lungs"]:
            return self._refused("no-lungs", "no-lungs", look.lung_area)
        if values["mirrored"] > limits["mirrored"]:
            if values["mirrored"] > _MIRRORED and self._explains("mirrored", look):
                return self._altered("mirrored", values["mirrored"])
            broken.append("mirrored")
        shape = float(self._rules.embedding.distance_of_varied("shape", views)[0])
        if shape > LUNGS * limits["lungs"] and self._strange_lungs("lungs", views):
            return self._refused("lungs", "lungs", shape)
        code = "unlike" if remoteness > UNLIKE or strange_part else "differs"
        if values["unlike"] > limits["unlike"]:
            return self._refused(code, "unlike", values["unlike"], what=self._most_unlike(views))
        if values["lungs"] > limits["lungs"]:
            return self._refused(code, "lungs", values["lungs"], what=VIEWS["shape"])
        if not broken:
            return None
        # it is not that alteration
        return self._refused(code, "handling", values[broken[0]], what=self._most_unlike(views))

    def _strange_lungs(self, code: str, views: Mapping[str, Floats]) -> bool:
        """Return True if the image inside the lungs' box is too far from those of the normals to be a proper film.

        If it is not, the film is not refused for this code.
        """
        return float(self._rules.embedding.distance("crop", views)[0]) > _LOOK[code] * self._typical["crop"]

    def _remoteness(self, views: Mapping[str, Floats]) -> float:
        """Return the mean distance of image and lungs to the training normals.

        Its unit is the distance that 99 % of these do not exceed.
        """
        distances = [float(self._rules.embedding.distance(name, views)[0]) for name in _ANATOMY]
        return float(
            np.mean([distance / self._typical[name] for name, distance in zip(_ANATOMY, distances, strict=True)])
        )

    def _values(self, look: Look) -> tuple[dict[str, float], dict[str, Floats]]:
        views = {name: row[None] for name, row in look.views().items()}
        values = self._rules.values(views, mirror_difference(look)[None])
        return {name: float(value[0]) for name, value in values.items()}, views

    def _explains(self, name: str, look: Look) -> bool:
        """Return True if the image is among the normals after the alteration is undone.

        A crop cannot be undone: it has to be among the crops of the normals, and not among the normals.
        """
        from unseen.data.film import area

        def small(image: Pixels) -> Floats:
            return zscored(area(image, 16, 16)).ravel().astype(np.float64)[None]

        def distance(image: Pixels) -> float:
            return float(self._rules.embedding.distance("picture", {"picture": small(image)})[0])

        undone = distance(_undone(name, look.image))
        among = undone <= self._typical["picture"]
        if name == "cropped":
            return not among and bool(self._rules.crops.distance(small(look.image))[0] <= self._typical["cropped"])
        # only heart and stomach distinguish the sides, which is a small part of the distance
        nearer = 1.0 if name == "mirrored" else _NEARER
        return among and undone * nearer <= distance(look.image)

    def _altered(self, name: str, value: float) -> Refusal:
        limit = "mirrored" if name == "mirrored" else "handling"
        return self._refused(_CODES[name], limit, value, what=_TURNS.get(name, ""))

    def _most_unlike(self, views: Mapping[str, Floats]) -> str:
        distances = {name: float(self._rules.embedding.distance(name, views)[0]) for name in VIEWS}
        return VIEWS[max(VIEWS, key=lambda name: distances[name] / self._typical[name])]

    def _refused(self, code: str, limit: str, value: float, *, what: str = "") -> Refusal:
        return Refusal(code, value, self.thresholds[limit], what)


def _some(normals: Iterable[Film | NotRead], *, seed: int) -> list[Reduced]:
    """Return the films that could be read, `MOST_NORMALS` at most, in their order."""
    kept: list[tuple[int, int, Reduced]] = []  # a heap: on top, the next to make room
    for place, film in enumerate(normals):
        if isinstance(film, NotRead):
            _log.warning("%s is left out of the gate's training films: %s", one_line(film.name), film.reason)
            continue
        if film.label == "abnormal":
            raise GateError(f"{film.name} is labelled abnormal; a gate learns from normal films alone")
        reduced = Reduced.of(film)
        keep = heapq.heappush if len(kept) < MOST_NORMALS else heapq.heappushpop
        keep(kept, (-reduced.order(seed), -place, reduced))
    return [reduced for _, _, reduced in sorted(kept, key=lambda one: -one[1])]


def _undone(name: str, image: Pixels) -> Pixels:
    rng = np.random.default_rng(0)  # these turns draw nothing
    match name:
        case "turned-clockwise":
            return turned_anticlockwise(image, rng)
        case "turned-anticlockwise":
            return turned_clockwise(image, rng)
        case "turned-over":
            return turned_over(image, rng)
        case "upside-down":
            return np.ascontiguousarray(image[::-1])
        case "mirrored":
            return np.ascontiguousarray(image[:, ::-1])
        case "inverted":
            return 1 - image
        case _:
            return image
