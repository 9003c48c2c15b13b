"""Priors: what a good image looks like, as a set that one can be near to or far from.

A `Generator` maps latents to images; the distance of an image to its range is the anomaly score of the detectors
built on it. `VAE`, `WGANGP` and `AE` are learnt from images by `fit`, and kept as bundles by `save` and `load`;
`PrincipalSubspace` is the linear generator; `Wrapped` makes one of any network.

A `Prior` reconstructs from the measurements of any operator, by `solve(y, A)`. A generator becomes one by `Range` (x is
one of its images), `Soft` (x is near to one) or `Sparse` (x is one but for a few pixels), each with a data fit
(`Squares`, `L1`, `Features`) and a `Search` over latents. Without a generator there are `Tikhonov` and the convex
priors: `TV`, total variation, `TGV`, which keeps slopes, `Lasso`, few coefficients in a basis, and `Wavelets`, few
wavelet details. λ comes from the noise (`by_discrepancy`, or `fitted` of a convex prior) or from a few images that are
known (`by_validation`).
`priors.solvers` has the iterations that they stand on.

`GENERATORS` is the registry of generators that are learnt, and `PRIORS` that of priors: a new one is one file and one
line here, and bundles, recipes and contract tests find it.
"""

import lazy_loader

from unseen.artifacts.registry import Registry

GENERATORS = Registry(
    package="priors",
    kind="generator",
    group="unseen.generators",
    names={
        "ae": "autoencoders:AE",
        "vae": "autoencoders:VAE",
        "wgan-gp": "wgan_gp:WGANGP",
    },
)

PRIORS = Registry(
    package="priors",
    kind="prior",
    group="unseen.priors",
    names={
        "lasso": "lasso:Lasso",
        "range": "generative:Range",
        "soft": "generative:Soft",
        "sparse": "generative:Sparse",
        "tgv": "tgv:TGV",
        "tikhonov": "tikhonov:Tikhonov",
        "tv": "tv:TV",
        "wavelets": "wavelets:Wavelets",
    },
)

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "GENERATORS", "PRIORS"])
