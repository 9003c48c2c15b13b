"""Any file becomes a `Film`, or `NotRead` with the reason.

`films(source)` reads a folder, a glob, a manifest or a file; PNG, JPEG, WebP and DICOM are decoded in a child process
with a memory limit and a time limit. `phantoms` makes films with a known lesion, `squares_and_circles`
shapes; `read_digits` reads MNIST's files. `area` brings pixels to another size.

`read_array` reads what other programs measured: `.npy`, `.npz`, HDF5, NIfTI.
"""

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from unseen.data import phantoms as phantoms
    from unseen.data.arrays import ArrayError as ArrayError
    from unseen.data.arrays import read_array as read_array
    from unseen.data.digits import read_digits as read_digits
    from unseen.data.film import Film as Film
    from unseen.data.film import NotRead as NotRead
    from unseen.data.manifest import Entry as Entry
    from unseen.data.manifest import ManifestError as ManifestError
    from unseen.data.manifest import SourceError as SourceError
    from unseen.data.reading import Films as Films
    from unseen.data.reading import NotReadError as NotReadError
    from unseen.data.reading import films as films
    from unseen.data.resample import area as area
    from unseen.data.shapes import squares_and_circles as squares_and_circles

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["phantoms"],
    submod_attrs={
        "arrays": ["ArrayError", "read_array"],
        "digits": ["read_digits"],
        "film": ["Film", "NotRead"],
        "manifest": ["Entry", "ManifestError", "SourceError"],
        "reading": ["Films", "NotReadError", "films"],
        "resample": ["area"],
        "shapes": ["squares_and_circles"],
    },
)
