"""Physics: how a picture `x`, never seen, becomes a measurement `y = noise(link(A x))`. No loss, no data.

`Operator` is A: linear and immutable, with its adjoint, pseudo-inverse and norm; operators compose with `@`, scale
with `2 * A` and `stack`. `Link` is what the detector's law does to A x, `Noise` what chance adds, and `Measurement`
the three together.

`OPERATORS`, `LINKS` and `NOISES` are this room's registry: a new one is one file and one line here, and the contract
tests find it.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.physics.beer_lambert import BeerLambert as BeerLambert
    from unseen.physics.composition import stack as stack
    from unseen.physics.gaussian import Gaussian as Gaussian
    from unseen.physics.identity import Identity as Identity
    from unseen.physics.link import Link as Link
    from unseen.physics.mask import Mask as Mask
    from unseen.physics.measurement import Measurement as Measurement
    from unseen.physics.noise import Noise as Noise
    from unseen.physics.operator import Operator as Operator
    from unseen.physics.poisson_gaussian import PoissonGaussian as PoissonGaussian
    from unseen.physics.pseudo_inverse import solve_least_squares as solve_least_squares

OPERATORS = {
    "identity": "identity:Identity",
    "mask": "mask:Mask",
}
LINKS = {
    "beer-lambert": "beer_lambert:BeerLambert",
}
NOISES = {
    "gaussian": "gaussian:Gaussian",
    "poisson-gaussian": "poisson_gaussian:PoissonGaussian",
}

_lazy_getattr, _lazy_dir, _lazy_all = lazy_loader.attach(
    __name__,
    submod_attrs={
        "composition": ["stack"],
        "link": ["Link"],
        "measurement": ["Measurement"],
        "noise": ["Noise"],
        "operator": ["Operator"],
        "pseudo_inverse": ["solve_least_squares"],
    }
    | {file: [name] for file, _, name in (place.partition(":") for place in (OPERATORS | LINKS | NOISES).values())},
)
__getattr__, __dir__ = _lazy_getattr, _lazy_dir
__all__ = sorted([*_lazy_all, "LINKS", "NOISES", "OPERATORS"])
