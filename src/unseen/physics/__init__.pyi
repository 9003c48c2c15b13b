"""The public names of `unseen.physics`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .blur import Blur as Blur
from .blur_kernels import gaussian_kernel as gaussian_kernel
from .coil_calibration import low_resolution_coils as low_resolution_coils
from .coil_simulation import simulated_coils as simulated_coils
from .compressed_sensing import CompressedSensing as CompressedSensing
from .cone_beam import ConeBeam as ConeBeam
from .dense import Dense as Dense
from .downsampling import Downsampling as Downsampling
from .eigenvector_coil_maps import espirit as espirit
from .fourier_mask import FourierMask as FourierMask
from .frames import Frames as Frames
from .function_operator import FunctionOperator as FunctionOperator
from .gaussian_noise import Gaussian as Gaussian
from .group import Group as Group
from .groups.flips import Flips as Flips
from .groups.frame_shifts import FrameShifts as FrameShifts
from .groups.permutations import Permutations as Permutations
from .groups.rotations import Rotations as Rotations
from .groups.scalings import Scalings as Scalings
from .groups.shifts import Shifts as Shifts
from .identifiability.report import Identifiability as Identifiability
from .identifiability.verdict import identify as identify
from .identity import Identity as Identity
from .kspace_order import centre_kspace as centre_kspace
from .kspace_order import uncentre_kspace as uncentre_kspace
from .measurement import BeerLambert as BeerLambert
from .measurement import Link as Link
from .measurement import Measurement as Measurement
from .noise import Noise as Noise
from .non_cartesian import NonCartesianFourier as NonCartesianFourier
from .non_cartesian import density_compensation as density_compensation
from .operator import Mask as Mask
from .operator import Operator as Operator
from .poisson_noise import Poisson as Poisson
from .poisson_noise import PoissonGaussian as PoissonGaussian
from .pseudo_inverse import solve_least_squares as solve_least_squares
from .root_sum_of_squares import rss as rss
from .sampling_masks import cartesian_sampling as cartesian_sampling
from .sampling_masks import radial_sampling as radial_sampling
from .sampling_masks import random_sampling as random_sampling
from .single_pixel_camera import SinglePixelCamera as SinglePixelCamera
from .stacked import stack as stack
from .tomography import Tomography as Tomography
from .trajectories import radial_trajectory as radial_trajectory
from .trajectories import spiral_trajectory as spiral_trajectory

OPERATORS: unseen.artifacts.registry.Registry
LINKS: unseen.artifacts.registry.Registry
NOISES: unseen.artifacts.registry.Registry
GROUPS: unseen.artifacts.registry.Registry
