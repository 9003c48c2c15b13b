"""Physics: how a picture `x`, never seen, becomes a measurement `y = noise(link(A x))`. No loss, no data.

`Operator` is A: linear and immutable, with its adjoint, pseudo-inverse and norm; operators compose with `@`, scale
with `2 * A`, `stack`, `restrict`. `Link` is what the detector's law does to A x, `Noise` what chance adds, and
`Measurement` the three together. `Group` is a set of transformations that pictures may undergo and still be pictures:
what A never shows of x, it may show of T x. `identify` says beforehand whether that can be enough.

`OPERATORS`, `LINKS`, `NOISES` and `GROUPS` are this room's registries: a new one is one file and one line here, and the
contract tests find it.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.physics.beer_lambert import BeerLambert as BeerLambert
    from unseen.physics.blur import Blur as Blur
    from unseen.physics.blur_kernels import gaussian_kernel as gaussian_kernel
    from unseen.physics.coil_images import simulated_coils as simulated_coils
    from unseen.physics.composition import stack as stack
    from unseen.physics.compressed_sensing import CompressedSensing as CompressedSensing
    from unseen.physics.downsampling import Downsampling as Downsampling
    from unseen.physics.fourier_mask import FourierMask as FourierMask
    from unseen.physics.gaussian import Gaussian as Gaussian
    from unseen.physics.group import Group as Group
    from unseen.physics.groups.flips import Flips as Flips
    from unseen.physics.groups.permutations import Permutations as Permutations
    from unseen.physics.groups.rotations import Rotations as Rotations
    from unseen.physics.groups.scalings import Scalings as Scalings
    from unseen.physics.groups.shifts import Shifts as Shifts
    from unseen.physics.identifiability.report import Identifiability as Identifiability
    from unseen.physics.identifiability.verdict import identify as identify
    from unseen.physics.identity import Identity as Identity
    from unseen.physics.link import Link as Link
    from unseen.physics.mask import Mask as Mask
    from unseen.physics.measurement import Measurement as Measurement
    from unseen.physics.noise import Noise as Noise
    from unseen.physics.operator import Operator as Operator
    from unseen.physics.poisson import Poisson as Poisson
    from unseen.physics.poisson_gaussian import PoissonGaussian as PoissonGaussian
    from unseen.physics.pseudo_inverse import solve_least_squares as solve_least_squares
    from unseen.physics.sampling_masks import cartesian_sampling as cartesian_sampling
    from unseen.physics.sampling_masks import radial_sampling as radial_sampling
    from unseen.physics.sampling_masks import random_sampling as random_sampling
    from unseen.physics.single_pixel_camera import SinglePixelCamera as SinglePixelCamera
    from unseen.physics.tomography import Tomography as Tomography

OPERATORS = {
    "blur": "blur:Blur",
    "compressed-sensing": "compressed_sensing:CompressedSensing",
    "downsampling": "downsampling:Downsampling",
    "fourier-mask": "fourier_mask:FourierMask",
    "identity": "identity:Identity",
    "mask": "mask:Mask",
    "single-pixel-camera": "single_pixel_camera:SinglePixelCamera",
    "tomography": "tomography:Tomography",
}
LINKS = {
    "beer-lambert": "beer_lambert:BeerLambert",
}
NOISES = {
    "gaussian": "gaussian:Gaussian",
    "poisson": "poisson:Poisson",
    "poisson-gaussian": "poisson_gaussian:PoissonGaussian",
}
GROUPS = {
    "flips": "groups.flips:Flips",
    "permutations": "groups.permutations:Permutations",
    "rotations": "groups.rotations:Rotations",
    "scalings": "groups.scalings:Scalings",
    "shifts": "groups.shifts:Shifts",
}

_lazy_getattr, _lazy_dir, _lazy_all = lazy_loader.attach(
    __name__,
    submod_attrs={
        "blur_kernels": ["gaussian_kernel"],
        "coil_images": ["simulated_coils"],
        "composition": ["stack"],
        "group": ["Group"],
        "identifiability.report": ["Identifiability"],
        "identifiability.verdict": ["identify"],
        "link": ["Link"],
        "measurement": ["Measurement"],
        "noise": ["Noise"],
        "operator": ["Operator"],
        "pseudo_inverse": ["solve_least_squares"],
        "sampling_masks": ["cartesian_sampling", "radial_sampling", "random_sampling"],
    }
    | {
        file: [name]
        for file, _, name in (place.partition(":") for place in (OPERATORS | LINKS | NOISES | GROUPS).values())
    },
)
__getattr__, __dir__ = _lazy_getattr, _lazy_dir
__all__ = sorted([*_lazy_all, "GROUPS", "LINKS", "NOISES", "OPERATORS"])
