"""Codes of the input gate's refusals and remarks, each with a clause and an explanation. `gate` decides.

A film that is refused is not scored. A film with a remark (`RefusalCode.scored`) is scored, and it is never cleared. A
clause states what was observed, never a cause that was not verified, and no number without a unit. A row shows clause
and code; the explanation of a code is shown once, under the table.
"""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class RefusalCode:
    """One reason for which a film is not scored, or is scored and never cleared.

    Attributes:
        code: its name, lower-case words joined by hyphens.
        clause: what was observed; `{what}` is replaced by the particulars.
        explanation: sentences about what it means and what to do, the same for every film.
        scored: True for a remark: the film is scored, and never cleared.
    """

    code: str
    clause: str
    explanation: str
    scored: bool = False


_ALL = (
    RefusalCode(
        "modality", "Modality is {what}", "Films of Modality CR and DX are scored. Send the chest film itself."
    ),
    RefusalCode(
        "body-part",
        "BodyPartExamined is {what}",
        "Films of the chest are scored. Send chest films alone, or correct the tag where it is wrong.",
    ),
    RefusalCode(
        "age",
        "the patient is younger than {what} years",
        "By the age or the birth date in its header, the film is a child's. The model learnt from films of adults. "
        "Have it read.",
    ),
    RefusalCode(
        "small",
        "the shorter side has fewer than {what} pixels",
        "The image shows too little for this model. Send the film in its original size.",
    ),
    RefusalCode(
        "blank",
        "no structure is visible",
        "The image has one grey value, or noise alone, also on its own range of grey values. Send the film again.",
    ),
    RefusalCode(
        "turned",
        "it looks like the training films once turned {what}",
        "The image resembles the training films after this turn, and not before. Turn it upright and send it again.",
    ),
    RefusalCode(
        "inverted",
        "it looks like the training films once its grey scale is inverted",
        "Air should be black and bone white. Check PhotometricInterpretation, or invert the image, and send it again.",
    ),
    RefusalCode(
        "cropped",
        "it looks like a part of the training films",
        "The image resembles enlarged parts of the training films. A cropped image, a narrow field, a small chest, "
        "a lateral view or an opaque lung can be the cause. If this is a part of a film, send the whole film. If it is "
        "whole, have it read.",
    ),
    RefusalCode(
        "no-lungs",
        "no lungs were found",
        "The model's lung finder marks less of the image than of almost every training film. Check that it is a "
        "frontal chest film. If it is one, have it read.",
    ),
    RefusalCode(
        "left-right",
        "heart and lungs differ between left and right from the training films",
        "The image resembles the training films more when it is flipped left to right. A flipped film, a displaced "
        "mediastinum, the loss of one lung's volume or a heart on the right side can be the cause. Check the side "
        "marker. Flip a flipped film back, and have any other read.",
    ),
    RefusalCode(
        "lungs",
        "the lungs that were found have an unusual shape",
        "Their place or outline differs from those in the training films. One lung may be opaque, outside the image or "
        "not found. Check that it is a frontal chest film that shows both lungs. If it is one, have it read.",
    ),
    RefusalCode(
        "unlike",
        "it does not resemble the training films, least in {what}",
        "It may be no frontal chest film, or show an extensive abnormality. Have it read.",
    ),
    RefusalCode(
        "not-frontal",
        "it has neither the symmetry nor the bright midline of a frontal film",
        "Background is visible at the edges of the image. A lateral or oblique view, an opaque lung or a cropped image "
        "can be the cause. If it is no whole frontal film, send one. If it is one, have it read.",
    ),
    RefusalCode(
        "differs",
        "it differs from the training films, most in {what}",
        "The film is scored, and it is never cleared. It may come from another device or population than the training "
        "films, or show an extensive abnormality; its score may reflect either. If many films of one device differ, "
        "train the model on normal films of that device.",
        scored=True,
    ),
)
CODES: Mapping[str, RefusalCode] = {one.code: one for one in _ALL}
"""By code, in the order in which the gate checks them."""
_CODE = re.compile(r"^[^\[\]]* \[([a-z-]+)\](?=:|$)")


@dataclass(frozen=True)
class Refusal:
    """Reason why a film is not scored, or is scored and never cleared.

    >>> refusal = Refusal("small", value=32, threshold=64, what="64")
    >>> refusal.clause
    'the shorter side has fewer than 64 pixels [small]'
    >>> refusal.reason.partition(": ")[2]
    'The image shows too little for this model. Send the film in its original size.'

    Args:
        code: one of `CODES`.
        value: the measured value; of a DICOM tag 1, or the age in years.
        threshold: the limit; `small`, `blank`, `no-lungs`, `not-frontal` and `age` are refused below it, the others
            above it.
        what: the particulars in the clause.
    """

    code: str
    value: float
    threshold: float
    what: str = ""

    @property
    def kind(self) -> str:
        """The earlier name of `code`, until unseen 0.4."""
        warnings.warn("Refusal.kind is now Refusal.code.", DeprecationWarning, stacklevel=2)
        return self.code

    @property
    def scored(self) -> bool:
        """True for a remark: the film is scored, and never cleared."""
        return CODES[self.code].scored

    @property
    def clause(self) -> str:
        """The observation, and the code in brackets."""
        return f"{CODES[self.code].clause.format(what=self.what)} [{self.code}]"

    @property
    def reason(self) -> str:
        """The clause and the explanation."""
        return f"{self.clause}: {CODES[self.code].explanation}"


def refusal_code(reason: str) -> RefusalCode | None:
    """Find the code of a refusal by its clause or its reason.

    Args:
        reason: of a decision or a row.

    Returns:
        The code; None if the reason is no refusal of this gate.

    Example:
        >>> refusal_code("no lungs were found [no-lungs]").code, refusal_code("no policy: films are ranked")
        ('no-lungs', None)
    """
    found = _CODE.match(reason)
    return None if found is None else CODES.get(found[1])


def is_remark(reason: str) -> bool:
    """Return True for the gate's remark on a film that is scored, and False for a refusal or any other reason.

    Args:
        reason: of a decision or a row.

    Example:
        >>> is_remark("it differs from the training films, most in exposure and contrast [differs]")
        True
        >>> is_remark("no lungs were found [no-lungs]")
        False
    """
    found = refusal_code(reason)
    return found is not None and found.scored


def short_reason(reason: str) -> str:
    """Return a reason as a row shows it: a refusal without its explanation, and any other as it is.

    Args:
        reason: of a decision.

    Returns:
        The clause and the code of a refusal; else `reason`.

    Example:
        >>> short_reason(Refusal("no-lungs", value=0, threshold=0.05).reason)
        'no lungs were found [no-lungs]'
    """
    return reason if refusal_code(reason) is None else reason[: reason.index("]") + 1]
