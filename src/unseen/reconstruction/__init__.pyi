"""The public names of `unseen.reconstruction`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .artifact_removal import ArtifactRemoval as ArtifactRemoval
from .denoiser_prior import plug_and_play as plug_and_play
from .direct_methods import filtered_backprojection as filtered_backprojection
from .direct_methods import pseudo_inverse as pseudo_inverse
from .direct_methods import total_variation as total_variation
from .expectation_maximisation import osem as osem
from .image_prior import deep_image_prior as deep_image_prior
from .learning import learn as learn
from .reconstructor import Reconstructor as Reconstructor
from .saved import load as load
from .saved import save as save
from .simultaneous_iterations import sirt as sirt
from .sparse_pursuit import matching_pursuit as matching_pursuit
from .unrolled import Unrolled as Unrolled

RECONSTRUCTORS: unseen.artifacts.registry.Registry
