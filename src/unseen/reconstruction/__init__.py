"""Reconstruction of the image x from a measurement y = noise(link(A x)), learnt without ground truth.

`learn` trains a network from measurements alone; what it gives back is a `Reconstructor`, f(y, process), that is saved
and loaded as a bundle. `pseudo_inverse`, `filtered_backprojection`, `total_variation`, `matching_pursuit`, `sirt`,
`osem` and `plug_and_play` (with a denoiser of the caller's own) are what needs no training; `deep_image_prior` trains
on the one measurement it is given.

`RECONSTRUCTORS` is this package's registry: a new architecture is one file and one line here.
"""

import lazy_loader

from unseen.artifacts.registry import Registry

RECONSTRUCTORS = Registry(
    package="reconstruction",
    kind="reconstructor",
    group="unseen.reconstructors",
    names={
        "artifact-removal": "artifact_removal:ArtifactRemoval",
        "unrolled": "unrolled:Unrolled",
    },
)

__getattr__, __dir__, _names = lazy_loader.attach_stub(__name__, __file__)
__all__ = sorted([*_names, "RECONSTRUCTORS"])
