"""Physics of a measurement `y = noise(link(A x))`, and the registries `OPERATORS`, `LINKS`, `NOISES` and `GROUPS`.

No loss, no data.

`Operator` is A: linear and immutable, with its adjoint, pseudo-inverse and norm; operators compose with `@`, add with
`A + B`, scale with `2 * A`, turn round with `A.T`, `stack`, `restrict`. `Dense` is any matrix. `Link` is what the
detector's law does to A x, `Noise` what chance adds, and `Measurement` the three together. `Group` is a set of
transformations that images may undergo and still be images: what A never shows of x, it may show of T x. `identify`
checks in advance whether that can be enough.

`OPERATORS`, `LINKS`, `NOISES` and `GROUPS` are this package's registries: a new entry is one file, one line here,
its name in `__init__.pyi` and an entry in its contract test, which fails until it is there.
"""

import lazy_loader

from unseen.artifacts.registry import Registry

OPERATORS = Registry(
    package="physics",
    kind="operator",
    group="unseen.operators",
    names={
        "blur": "blur:Blur",
        "compressed-sensing": "compressed_sensing:CompressedSensing",
        "cone-beam": "cone_beam:ConeBeam",
        "dense": "dense:Dense",
        "downsampling": "downsampling:Downsampling",
        "fourier-mask": "fourier_mask:FourierMask",
        "frames": "frames:Frames",
        "identity": "identity:Identity",
        "mask": "operator:Mask",
        "non-cartesian-fourier": "non_cartesian:NonCartesianFourier",
        "single-pixel-camera": "single_pixel_camera:SinglePixelCamera",
        "tomography": "tomography:Tomography",
    },
)
LINKS = Registry(
    package="physics",
    kind="link",
    group="unseen.links",
    names={
        "beer-lambert": "measurement:BeerLambert",
    },
)
NOISES = Registry(
    package="physics",
    kind="noise",
    group="unseen.noises",
    names={
        "gaussian": "gaussian_noise:Gaussian",
        "poisson": "poisson_noise:Poisson",
        "poisson-gaussian": "poisson_noise:PoissonGaussian",
    },
)
GROUPS = Registry(
    package="physics",
    kind="group",
    group="unseen.groups",
    names={
        "flips": "groups.flips:Flips",
        "frame-shifts": "groups.frame_shifts:FrameShifts",
        "permutations": "groups.permutations:Permutations",
        "rotations": "groups.rotations:Rotations",
        "scalings": "groups.scalings:Scalings",
        "shifts": "groups.shifts:Shifts",
    },
)

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "GROUPS", "LINKS", "NOISES", "OPERATORS"])
