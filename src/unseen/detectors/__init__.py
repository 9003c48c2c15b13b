"""Detectors: one file a method. Each learns from normal films alone and scores a film by that film alone.

`METHODS` is the registry: a new detector is one new file and one line here.
"""

from typing import TYPE_CHECKING

import lazy_loader

from unseen.artifacts.registry import Registry

if TYPE_CHECKING:
    from unseen.detectors.ae_ssim import AeSsim as AeSsim
    from unseen.detectors.ae_u import AeU as AeU
    from unseen.detectors.alpha_gan import AlphaGan as AlphaGan
    from unseen.detectors.anatpaste import AnatPaste as AnatPaste
    from unseen.detectors.anogan import AnoGan as AnoGan
    from unseen.detectors.bigan import BiGan as BiGan
    from unseen.detectors.dae import Dae as Dae
    from unseen.detectors.dct import Dct as Dct
    from unseen.detectors.ddad import Ddad as Ddad
    from unseen.detectors.deep_svdd import DeepSvdd as DeepSvdd
    from unseen.detectors.detector import Detector as Detector
    from unseen.detectors.detector import Finding as Finding
    from unseen.detectors.detector import Judgement as Judgement
    from unseen.detectors.ensemble import Ensemble as Ensemble
    from unseen.detectors.errors import DeviceError as DeviceError
    from unseen.detectors.f_anogan import FAnoGan as FAnoGan
    from unseen.detectors.fitting import Fitting as Fitting
    from unseen.detectors.ganomaly import Ganomaly as Ganomaly
    from unseen.detectors.ganomaly_sure import GanomalySure as GanomalySure
    from unseen.detectors.one_class_svm import OneClassSvm as OneClassSvm
    from unseen.detectors.patch_memory import PatchMemory as PatchMemory
    from unseen.detectors.pca import Pca as Pca
    from unseen.detectors.randgan import RandGan as RandGan
    from unseen.detectors.resunet_ganomaly import ResUnetGanomaly as ResUnetGanomaly
    from unseen.detectors.roi_oracle import RoiOracle as RoiOracle
    from unseen.detectors.roi_sure import RoiSure as RoiSure
    from unseen.detectors.saved import load as load
    from unseen.detectors.saved import save as save
    from unseen.detectors.student_teacher import StudentTeacher as StudentTeacher
    from unseen.detectors.weights import finder_of as finder_of

METHODS = Registry(
    room="detectors",
    kind="detector",
    names={
        "pca": "pca:Pca",
        "ganomaly": "ganomaly:Ganomaly",
        "ganomaly-sure": "ganomaly_sure:GanomalySure",
        "roi-sure": "roi_sure:RoiSure",
        "roi-oracle": "roi_oracle:RoiOracle",
        "dct": "dct:Dct",
        "dae": "dae:Dae",
        "ae-u": "ae_u:AeU",
        "ae-ssim": "ae_ssim:AeSsim",
        "anatpaste": "anatpaste:AnatPaste",
        "ddad": "ddad:Ddad",
        "deep-svdd": "deep_svdd:DeepSvdd",
        "one-class-svm": "one_class_svm:OneClassSvm",
        "student-teacher": "student_teacher:StudentTeacher",
        "patch-memory": "patch_memory:PatchMemory",
        "f-anogan": "f_anogan:FAnoGan",
        "anogan": "anogan:AnoGan",
        "bigan": "bigan:BiGan",
        "alpha-gan": "alpha_gan:AlphaGan",
        "resunet-ganomaly": "resunet_ganomaly:ResUnetGanomaly",
        "randgan": "randgan:RandGan",
        "ensemble": "ensemble:Ensemble",
    },
)

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "ae_ssim": ["AeSsim"],
        "ae_u": ["AeU"],
        "alpha_gan": ["AlphaGan"],
        "anatpaste": ["AnatPaste"],
        "anogan": ["AnoGan"],
        "bigan": ["BiGan"],
        "dae": ["Dae"],
        "dct": ["Dct"],
        "ddad": ["Ddad"],
        "deep_svdd": ["DeepSvdd"],
        "ensemble": ["Ensemble"],
        "errors": ["DeviceError"],
        "detector": ["Detector", "Finding", "Judgement"],
        "fitting": ["Fitting"],
        "f_anogan": ["FAnoGan"],
        "ganomaly": ["Ganomaly"],
        "ganomaly_sure": ["GanomalySure"],
        "one_class_svm": ["OneClassSvm"],
        "patch_memory": ["PatchMemory"],
        "pca": ["Pca"],
        "randgan": ["RandGan"],
        "resunet_ganomaly": ["ResUnetGanomaly"],
        "roi_oracle": ["RoiOracle"],
        "roi_sure": ["RoiSure"],
        "saved": ["load", "save"],
        "student_teacher": ["StudentTeacher"],
        "weights": ["finder_of"],
    },
)
