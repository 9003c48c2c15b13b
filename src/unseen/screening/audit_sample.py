"""The audit sample: a share of the cleared studies is read all the same, by a reader who does not know.

Which ones is decided by a keyed hash of the study, so that it can be neither guessed nor steered, and is the same when
asked again.
"""

from __future__ import annotations

import hashlib
import hmac

from unseen.evaluation.interval import Figure
from unseen.evaluation.proportion import proportion


def is_sampled(study: str, *, share: float, key: bytes) -> bool:
    """Whether a cleared `study` is read all the same; in the long run `share` (0 to 1) of them are.

    >>> sum(is_sampled(str(i), share=0.1, key=b"site") for i in range(10_000))
    961
    """
    digest = hmac.new(key, study.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def abnormal_share(abnormal: int, read: int) -> Figure:
    """The share of abnormal studies among those cleared, from the audited ones, with Clopper–Pearson's 95 % interval.

    This is the false omission rate. The miss rate of the guarantee is another one: the share of the *abnormals* that
    are cleared.

    >>> str(abnormal_share(0, 100))
    '0.00 (0.00 to 0.04)'
    """
    return proportion(abnormal, read, without="no cleared study has been audited yet")
