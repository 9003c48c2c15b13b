"""Names of the formulas of a linear head's weights; this module needs no torch."""

from typing import Literal

HeadName = Literal["ridge", "normals-covariance"]
"""Formula of a head's weights."""
