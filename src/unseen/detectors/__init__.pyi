"""The public names of `unseen.detectors`: read by type checkers, and by lazy_loader at run time."""

import unseen.artifacts.registry

from .ae_ssim import AeSsim as AeSsim
from .ae_u import AeU as AeU
from .alpha_gan import AlphaGan as AlphaGan
from .anatpaste import AnatPaste as AnatPaste
from .anogan import AnoGan as AnoGan
from .bigan import BiGan as BiGan
from .dae import Dae as Dae
from .dct import Dct as Dct
from .ddad import Ddad as Ddad
from .deep_svdd import DeepSvdd as DeepSvdd
from .detector import Detector as Detector
from .ensemble import Ensemble as Ensemble
from .errors import DeviceError as DeviceError
from .f_anogan import FAnoGan as FAnoGan
from .feature_lda import FeatureLda as FeatureLda
from .feature_pca import FeaturePca as FeaturePca
from .finding import Finding as Finding
from .fitting import Fitting as Fitting
from .ganomaly import Ganomaly as Ganomaly
from .ganomaly_sure import GanomalySure as GanomalySure
from .judgement import Judgement as Judgement
from .lesion_segmentation import LesionSegmentation as LesionSegmentation
from .lung_finder_bundles import finder_of as finder_of
from .mahalanobis import Mahalanobis as Mahalanobis
from .normals import Normals as Normals
from .one_class_svm import OneClassSvm as OneClassSvm
from .padim import Padim as Padim
from .patch_memory_lesion_features import PatchMemory as PatchMemory
from .patchcore import PatchCore as PatchCore
from .pca import Pca as Pca
from .randgan import RandGan as RandGan
from .restorer import Restorer as Restorer
from .restorer import mean_inside as mean_inside
from .resunet_ganomaly import ResUnetGanomaly as ResUnetGanomaly
from .roi_oracle import RoiOracle as RoiOracle
from .roi_sure import RoiSure as RoiSure
from .saved import load as load
from .saved import save as save
from .settings import DetectorSettings as DetectorSettings
from .student_teacher import StudentTeacher as StudentTeacher

METHODS: unseen.artifacts.registry.Registry
