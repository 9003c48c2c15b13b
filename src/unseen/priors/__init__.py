"""Priors: what a good picture looks like, as a set that one can be near to or far from.

A `Generator` maps latents to pictures; the distance of a picture to its range is the anomaly score of the detectors
built on it. `VAE`, `WGANGP` and `AE` are learnt from pictures by `fit`, and kept as bundles by `save` and `load`;
`PrincipalSubspace` is the linear generator; `Wrapped` makes one of any network.

A `Prior` reconstructs from the measurements of any operator, by `solve(y, A)`. A generator becomes one by `Range` (x is
one of its pictures), `Soft` (x is near to one) or `Sparse` (x is one but for a few pixels), each with a data fit
(`Squares`, `L1`, `Features`) and a `Search` over latents; without a generator there are `Tikhonov` and `TV`, total
variation. λ comes from the noise (`by_discrepancy`) or from a few pictures that are known (`by_validation`).
`priors.solvers` has the iterations that they stand on.

`GENERATORS` is the registry of generators that are learnt, and `PRIORS` that of priors: a new one is one file and one
line here, and bundles, recipes and contract tests find it.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.priors.ae import AE as AE
    from unseen.priors.discrepancy import by_discrepancy as by_discrepancy
    from unseen.priors.fits import L1 as L1
    from unseen.priors.fits import Features as Features
    from unseen.priors.fits import Fit as Fit
    from unseen.priors.fits import Squares as Squares
    from unseen.priors.generator import Generator as Generator
    from unseen.priors.latent_prior import Search as Search
    from unseen.priors.principal_subspace import PrincipalSubspace as PrincipalSubspace
    from unseen.priors.prior import Prior as Prior
    from unseen.priors.range import Range as Range
    from unseen.priors.saved import load as load
    from unseen.priors.saved import save as save
    from unseen.priors.soft import Soft as Soft
    from unseen.priors.sparse import Sparse as Sparse
    from unseen.priors.tikhonov import Tikhonov as Tikhonov
    from unseen.priors.trained import TrainedGenerator as TrainedGenerator
    from unseen.priors.tv import TV as TV
    from unseen.priors.vae import VAE as VAE
    from unseen.priors.validation import by_validation as by_validation
    from unseen.priors.wgan_gp import WGANGP as WGANGP
    from unseen.priors.wrapped import Wrapped as Wrapped

GENERATORS = {
    "ae": "ae:AE",
    "vae": "vae:VAE",
    "wgan-gp": "wgan_gp:WGANGP",
}

PRIORS = {
    "range": "range:Range",
    "soft": "soft:Soft",
    "sparse": "sparse:Sparse",
    "tikhonov": "tikhonov:Tikhonov",
    "tv": "tv:TV",
}

_lazy_getattr, _lazy_dir, _lazy_all = lazy_loader.attach(
    __name__,
    submod_attrs={
        "discrepancy": ["by_discrepancy"],
        "fits": ["L1", "Features", "Fit", "Squares"],
        "generator": ["Generator"],
        "latent_prior": ["Search"],
        "principal_subspace": ["PrincipalSubspace"],
        "prior": ["Prior"],
        "saved": ["load", "save"],
        "trained": ["TrainedGenerator"],
        "validation": ["by_validation"],
        "wrapped": ["Wrapped"],
    }
    | {file: [name] for file, _, name in (place.partition(":") for place in (GENERATORS | PRIORS).values())},
)
__getattr__, __dir__ = _lazy_getattr, _lazy_dir
__all__ = sorted([*_lazy_all, "GENERATORS", "PRIORS"])
