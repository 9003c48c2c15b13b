"""Reconstruction of the image x from a measurement y = noise(link(A x)), learnt without ground truth.

`learn` trains a network on measurements alone and returns a `Reconstructor`, f(y, process), which can be saved and
loaded as a bundle. `pseudo_inverse`, `filtered_backprojection` and `total_variation` need no training;
`deep_image_prior` trains on the one measurement that it reconstructs.

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
