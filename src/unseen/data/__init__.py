"""Any file becomes a `Film`, or `NotRead` with the reason.

`films(source)` reads a folder, a glob, a manifest or a file; PNG, JPEG, WebP and DICOM are decoded in a child process
with a memory limit and a time limit. `phantoms` makes films with a known lesion, `squares_and_circles`
shapes; `read_digits` reads MNIST's files. `area` brings pixels to another size.

`read_array` reads what other programs measured: `.npy`, `.npz`, HDF5, NIfTI, `.mat`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
