"""Common words of findings: a report that asserts one of them is not normal, whatever phrase of the table it has.

The table of a site decides what is abnormal. These words only withhold "normal" where the table lacks a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_WORDS: Final = (
    r"opacit(?:y|ies)|opacification|mass(?:es)?|nodules?|effusions?|consolidations?|pneumothora(?:x|ces)|pneumonias?|"
    r"infiltrates?|(?:o?edema)|fractures?|cardiomegaly|atelectas[ie]s|tumou?rs?|metastas[ie]s|lesions?|cavit(?:y|ies|ation)|"
    r"abscess(?:es)?|emphysema|fibrosis|bronchiectas[ie]s|lymphadenopathy|adenopathy|pneumomediastinum|"
    r"pneumoperitoneum|h(?:a)?emothorax|free air|congestion|enlarged|enlargement|widened|widening|abnormal|"
    r"abnormalit(?:y|ies)|infections?|tuberculosis|malignanc(?:y|ies)|malignant|carcinoma|hernia|aneurysm|"
    r"foreign bod(?:y|ies)|collapse|collapsed|dissection|embol(?:us|i|ism)|air under the diaphragm|"
    r"erguss|ergüsse|infiltrate?|rundherde?|raumforderung|fraktur|stauung|verschattung|kardiomegalie|atelektasen?|ödem|"
    r"pneumonie|pleuraerguss|épanchement|pneumopathie|nodule|derrame|neumonía|neumotórax"
)
_FINDING: Final = re.compile(rf"(?<![^\W_])(?:{_WORDS})(?![^\W_])")


def finding_words(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of common words of findings in folded text: begin and end.

    >>> list(finding_words("a mass."))
    [(2, 6)]
    """
    for found in _FINDING.finditer(text):
        yield found.start(), found.end()
