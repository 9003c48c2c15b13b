"""The public names of `unseen.reconstruction`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .architectures import ArtifactRemoval as ArtifactRemoval
from .architectures import Unrolled as Unrolled
from .learning import learn as learn
from .reconstructor import Reconstructor as Reconstructor
from .saved import load as load
from .saved import save as save
from .untrained import deep_image_prior as deep_image_prior
from .untrained import filtered_backprojection as filtered_backprojection
from .untrained import pseudo_inverse as pseudo_inverse
from .untrained import total_variation as total_variation

RECONSTRUCTORS: unseen.artifacts.registry.Registry
