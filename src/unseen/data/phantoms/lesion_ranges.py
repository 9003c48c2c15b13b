"""Sizes and densities of the lesions, each from the literature; fixed before any detector was trained.

Only this file defines how large and how dense a lesion may be. Any change to it changes every figure measured on
phantoms.

Sizes are drawn log-uniformly from their range. The column `contrast` names the third of that range, in logarithm, in
which a lesion's size lies: `faint` the lowest, `moderate` the middle, `obvious` the highest. As the draw is
log-uniform these thirds are the terciles of the population too. A part-solid nodule counts by its solid core
(see `NODULE_CORE`), its rim being hardly seen on a film. Densities are drawn uniformly and do not enter `contrast`.
"""

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["nodule", "consolidation", "effusion", "pneumothorax"]
"""Type of a lesion."""
Contrast = Literal["faint", "moderate", "obvious"]

KINDS: tuple[Kind, ...] = ("nodule", "consolidation", "effusion", "pneumothorax")
CONTRASTS: tuple[Contrast, ...] = ("faint", "moderate", "obvious")


@dataclass(frozen=True, kw_only=True, slots=True)
class ParameterRange:
    """A closed range [low, high] of a quantity in `unit`, with where it comes from."""

    low: float
    high: float
    unit: str
    source: str

    def at(self, position: float) -> float:
        """Return the value at `position` (0 to 1), evenly spaced.

        >>> ParameterRange(low=0.0, high=20.0, unit="HU", source="").at(0.25)
        5.0
        """
        return self.low + (self.high - self.low) * position

    def at_log(self, position: float) -> float:
        """Return the value at `position` (0 to 1), evenly spaced in logarithm.

        >>> round(ParameterRange(low=5.0, high=20.0, unit="mm", source="").at_log(0.5), 6)
        10.0
        """
        return self.low * math.exp(math.log(self.high / self.low) * position)


NODULE_MM = ParameterRange(
    low=3.0,
    high=30.0,
    unit="mm",
    source="Diameter. Hansell et al. 2008, Fleischner Society glossary, Radiology 246:697: a nodule measures up to "
    "3 cm; under 3 mm it is a micronodule.",
)
NODULE_SOLID_HU = ParameterRange(
    low=-20.0,
    high=100.0,
    unit="HU",
    source="Solid, not calcified. Siegelman et al. 1980, AJR 135:1: malignant nodules 92 ± 18 HU where densest, "
    "benign calcified ones from 164 HU. Lower end: a choice, soft tissue with a little fat or air.",
)
NODULE_GROUND_GLASS_HU = ParameterRange(
    low=-700.0,
    high=-400.0,
    unit="HU",
    source="The part-solid nodule's rim. Lee et al. 2018, PLoS ONE 13:e0205490: what is denser than −400 HU counts as "
    "solid. Lower end: a choice, just denser than the lung.",
)
NODULE_CORE = ParameterRange(
    low=0.3,
    high=0.7,
    unit="of the diameter",
    source="The part-solid nodule's solid core. Travis et al. 2016, J Thorac Oncol 11:1204 (T stage by solid size).",
)
NODULE_PART_SOLID_SHARE = 0.25
"""Share of nodules that are part-solid; a choice, within what CT screening reports (MacMahon et al. 2017,
Radiology 284:228)."""

CONSOLIDATION_MM = ParameterRange(
    low=15.0,
    high=120.0,
    unit="mm",
    source="Diameter of the sphere of equal volume, from a secondary lobule (1–2.5 cm, Hansell et al. 2008) to a "
    "lower lobe (about 1 litre at full inspiration, Yamada et al. 2020, Sci Rep 10:16203: 12 cm).",
)
CONSOLIDATION_HU = ParameterRange(
    low=-100.0,
    high=60.0,
    unit="HU",
    source="Airspaces filled with fluid, pus or blood: Hansell et al. 2008 (vessels and airway walls obscured); "
    "lower end: some air left in patchy disease.",
)
EFFUSION_ML = ParameterRange(
    low=175.0,
    high=1400.0,
    unit="ml",
    source="Collins et al. 1972, Radiology 105:51: 175 ml at least to blunt the lateral costophrenic angle of an "
    "upright film; Blackmore et al. 1996, Acad Radiol 3:103: 200 ml to be seen, 500 ml to hide the diaphragm; upper "
    "end: below the large effusions (two thirds of the hemithorax) of Porcel and Vives 2003, Chest 124:978.",
)
EFFUSION_HU = ParameterRange(
    low=0.0,
    high=25.0,
    unit="HU",
    source="Abramowitz et al. 2009, AJR 192:618: transudates and exudates overlap about 5–20 HU.",
)
EFFUSION_MENISCUS_CM = ParameterRange(
    low=1.5,
    high=4.0,
    unit="cm",
    source="Rise of the fluid along the chest wall; a choice: higher laterally (Raasch et al. 1982, AJR 139:899).",
)
PNEUMOTHORAX_MM = ParameterRange(
    low=5.0,
    high=40.0,
    unit="mm",
    source="Rim of air between lung and chest wall. MacDuff et al. 2010 (BTS guideline), Thorax 65 suppl. 2:ii18: "
    "large from 2 cm; Baumann et al. 2001 (ACCP), Chest 119:590: 3 cm at the apex. Lower end: a choice, a line just "
    "visible.",
)
PLEURA_CM = 0.04
"""Thickness of the visceral pleura with the lung compressed under it, cm; a choice."""

SIZES: dict[Kind, ParameterRange] = {
    "nodule": NODULE_MM,
    "consolidation": CONSOLIDATION_MM,
    "effusion": EFFUSION_ML,
    "pneumothorax": PNEUMOTHORAX_MM,
}
"""The range that decides `contrast`, by kind."""

VISIBLE = 0.01
"""A lesion's mask is where it changes the noiseless film by more than this (of a grey scale of 1), or by more than half
of its greatest change where that is less than twice as much."""


def contrast_of(kind: Kind, size: float) -> Contrast:
    """Return the third (in logarithm) of the kind's range in which `size` (the range's unit) lies.

    >>> [contrast_of("pneumothorax", rim) for rim in (5.0, 9.9, 10.1, 19.9, 20.1, 40.0)]
    ['faint', 'faint', 'moderate', 'moderate', 'obvious', 'obvious']

    Raises:
        ValueError: `size` is outside the range.
    """
    span = SIZES[kind]
    if not span.low * (1 - 1e-9) <= size <= span.high * (1 + 1e-9):
        raise ValueError(f"{kind} of {size:g} {span.unit}: the range is {span.low:g} to {span.high:g}. See {__name__}.")
    third = 3.0 * math.log(size / span.low) / math.log(span.high / span.low)
    return CONTRASTS[min(2, max(0, int(third)))]
