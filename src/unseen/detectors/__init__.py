"""Detectors, one file a method, and `METHODS`, the registry of their names.

Each learns from normal films alone and scores a film by that film alone.
"""

import lazy_loader

from unseen.artifacts.registry import Registry
from unseen.deprecation import renamed

METHODS = Registry(
    package="detectors",
    kind="detector",
    group="unseen.detectors",
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
        "patch-memory": "patch_memory_lesion_features:PatchMemory",
        "feature-pca": "feature_pca:FeaturePca",
        "feature-lda": "feature_lda:FeatureLda",
        "padim": "padim:Padim",
        "mahalanobis": "mahalanobis:Mahalanobis",
        "patchcore": "patchcore:PatchCore",
        "f-anogan": "f_anogan:FAnoGan",
        "anogan": "anogan:AnoGan",
        "bigan": "bigan:BiGan",
        "alpha-gan": "alpha_gan:AlphaGan",
        "resunet-ganomaly": "resunet_ganomaly:ResUnetGanomaly",
        "randgan": "randgan:RandGan",
        "lesion-segmentation": "lesion_segmentation:LesionSegmentation",
        "ensemble": "ensemble:Ensemble",
    },
)

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
__getattr__ = renamed(__name__, {"Settings": "DetectorSettings"}, removed_in="0.4", otherwise=__getattr__)
