"""What a film can be refused for, and the sentence that a user reads: what was seen, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = (
    "modality",
    "body-part",
    "age",
    "small",
    "blank",
    "turned",
    "inverted",
    "cropped",
    "no-lungs",
    "flipped",
    "lungs",
    "unlike",
)
"""In the order in which they are asked about."""


@dataclass(frozen=True)
class Refusal:
    """Why a film is not scored.

    kind       one of `KINDS`
    reason     a sentence for the reader
    value      what was measured; for a DICOM tag 1, or the age in years
    threshold  the limit that it went beyond: `small`, `blank`, `no-lungs` and `age` are refused below, the others above
    """

    kind: str
    reason: str
    value: float
    threshold: float


TURNED = (
    "turned by 90° {way}: the picture looks like the training films once it is turned back. Turn it upright and send "
    "it again"
)
OVER = (
    "turned by 180°, or flipped top to bottom: the picture looks like the training films once it stands upright. Put "
    "it upright and send it again"
)
MIRRORED = (
    "flipped left to right: heart and lungs lie as in a mirror. Check the side marker: a flipped film must be flipped "
    "back, a heart on the right side is for a reader"
)
INVERTED = (
    "the grey scale is inverted: air is white and bone is black. Send it with white bone (DICOM: check "
    "PhotometricInterpretation)"
)
CROPPED = "cropped: it shows a part of a chest at most. Check that it is a frontal chest film, and send the whole film"
NO_LUNGS = "no lungs found: {value:.1%} of the picture looks like lung. Check that it is a frontal chest film"
LUNGS = (
    "the lungs that were found are not shaped like lungs (distance {value:.0f}, the limit is {threshold:.0f}). Check "
    "that it is a frontal chest film that shows both lungs"
)
BLANK = "blank: the picture holds hardly any contrast (spread {value:.3f} of the grey scale). Send the film again"
SMALL = "too small: the shorter side is {value:.0f} pixels, {threshold:.0f} are needed. Send it in its original size"
UNLIKE = (
    "not like the films that this model knows: {what} is what differs most. It may be no frontal chest film, or from "
    "another device or population than the training films: have it read, and fit the model on films of that kind "
    "before it scores them"
)
