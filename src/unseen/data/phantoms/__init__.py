"""Procedural chest films whose every lesion is known: analytic anatomy, Beer–Lambert projection, photon noise.

`normals`, `abnormals` and `twins` (the same patient and exposure with and without the lesion) are lazy sequences of
`Film`; `write` puts them into a folder with their masks and a manifest. Lesion sizes and densities: `lesion_ranges`.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.data.phantoms.sequences import Phantoms as Phantoms
    from unseen.data.phantoms.sequences import abnormals as abnormals
    from unseen.data.phantoms.sequences import normals as normals
    from unseen.data.phantoms.sequences import twins as twins
    from unseen.data.phantoms.writing import write as write

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["lesion_ranges"],
    submod_attrs={"sequences": ["Phantoms", "abnormals", "normals", "twins"], "writing": ["write"]},
)
