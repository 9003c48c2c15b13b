"""Priors: what a good picture looks like, as a set that one can be near to or far from.

A `Generator` maps latents to pictures; the distance of a picture to its range is the anomaly score of the detectors
built on it. Here now: `PrincipalSubspace`, the linear generator; `TV`, total variation, whose `solve` reconstructs from
the measurements of any operator. `priors.solvers` has the iterations that it stands on.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.priors.generator import Generator as Generator
    from unseen.priors.principal_subspace import PrincipalSubspace as PrincipalSubspace
    from unseen.priors.tv import TV as TV

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"generator": ["Generator"], "principal_subspace": ["PrincipalSubspace"], "tv": ["TV"]},
)
