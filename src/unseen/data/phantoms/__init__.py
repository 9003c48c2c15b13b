"""Procedural chest films whose every lesion is known: analytic anatomy, Beer–Lambert projection, photon noise.

`normals`, `abnormals` and `twins` (the same patient and exposure with and without the lesion) are lazy sequences of
`Film`; `write` puts them into a folder with their masks and a manifest. Lesion sizes and densities: `lesion_ranges`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
