"""Reconstruction: from a measurement y = noise(link(A x)) to the picture x, learnt without ever seeing one.

`learn` trains a network from measurements alone; what it gives back is a `Reconstructor`, f(y, process), that is saved
and loaded as a bundle. `pseudo_inverse`, `filtered_backprojection` and `total_variation` are what needs no training;
`deep_image_prior` trains on the one measurement it is given.

`RECONSTRUCTORS` is this room's registry: a new architecture is one file and one line here.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.reconstruction.artifact_removal import ArtifactRemoval as ArtifactRemoval
    from unseen.reconstruction.direct import filtered_backprojection as filtered_backprojection
    from unseen.reconstruction.direct import pseudo_inverse as pseudo_inverse
    from unseen.reconstruction.direct import total_variation as total_variation
    from unseen.reconstruction.image_prior import deep_image_prior as deep_image_prior
    from unseen.reconstruction.learning import learn as learn
    from unseen.reconstruction.reconstructor import Reconstructor as Reconstructor
    from unseen.reconstruction.saved import load as load
    from unseen.reconstruction.saved import save as save
    from unseen.reconstruction.unrolled import Unrolled as Unrolled

RECONSTRUCTORS = {
    "artifact-removal": "artifact_removal:ArtifactRemoval",
    "unrolled": "unrolled:Unrolled",
}

_lazy_getattr, _lazy_dir, _lazy_all = lazy_loader.attach(
    __name__,
    submod_attrs={
        "image_prior": ["deep_image_prior"],
        "direct": ["filtered_backprojection", "pseudo_inverse", "total_variation"],
        "learning": ["learn"],
        "reconstructor": ["Reconstructor"],
        "saved": ["load", "save"],
    }
    | {file: [name] for file, _, name in (place.partition(":") for place in RECONSTRUCTORS.values())},
)
__getattr__, __dir__ = _lazy_getattr, _lazy_dir
__all__ = sorted([*_lazy_all, "RECONSTRUCTORS"])
