"""Draw of the audit sample: which cleared studies are read all the same.

A keyed hash of the study decides which ones, so that the choice can be neither guessed nor influenced, and is the same
each time.
"""

import hashlib
import hmac
from collections.abc import Hashable, Sequence

from unseen.evaluation.intervals import Figure, proportion

AUDIT_SHARE = 0.05
"""Default share of the cleared studies that is read all the same."""


def is_sampled(study: str, *, share: float, key: bytes) -> bool:
    """Return True if a cleared study is read all the same; in the long run `share` of them are.

    Args:
        study: the study's name.
        share: of cleared studies, 0 to 1.
        key: the site's secret, so that nobody can predict the sample.

    >>> sum(is_sampled(str(i), share=0.1, key=b"site") for i in range(10_000))
    961
    """
    digest = hmac.new(key, study.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def abnormal_share(abnormal: int, read: int, *, patients: Sequence[Hashable] | None = None) -> Figure:
    """Return the share of abnormal studies among those cleared, from the audited ones, with Clopper–Pearson's 95 %
    interval.

    This is the false omission rate. The miss rate of the guarantee is another one: the share of the *abnormals* that
    are cleared.

    Args:
        abnormal: audited studies that were abnormal.
        read: audited studies.
        patients: the patient of each audited study (read): studies of one patient are not independent, so the interval
            counts patients. None: all studies are of different patients.

    >>> str(abnormal_share(0, 100))
    '0.00 (0.00 to 0.04)'
    >>> str(abnormal_share(0, 100, patients=[study // 5 for study in range(100)]))
    '0.00 (0.00 to 0.17)'
    """
    return proportion(abnormal, read, without="no cleared study has been audited yet", units=patients)
