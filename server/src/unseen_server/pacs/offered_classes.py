"""SOP classes that the node offers, each with its transfer syntaxes.

Storage is offered for films, and for the objects that senders of whole studies send with them, which are kept with the
study and never listed.
"""

from __future__ import annotations

from typing import Final

from pydicom import uid
from pynetdicom.presentation import PresentationContext, build_context

from unseen.data import readable_syntaxes

FILMS: Final = (
    uid.ComputedRadiographyImageStorage,
    uid.DigitalXRayImageStorageForPresentation,
)
"""Scored and listed."""

IMAGES_KEPT: Final = (
    uid.DigitalXRayImageStorageForProcessing,
    uid.SecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    uid.MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    uid.MultiFrameTrueColorSecondaryCaptureImageStorage,
)
DOCUMENTS_KEPT: Final = (
    uid.BasicTextSRStorage,
    uid.EnhancedSRStorage,
    uid.ComprehensiveSRStorage,
    uid.Comprehensive3DSRStorage,
    uid.XRayRadiationDoseSRStorage,
    uid.KeyObjectSelectionDocumentStorage,
    uid.GrayscaleSoftcopyPresentationStateStorage,
)
"""Kept with the study, never listed."""

UNCOMPRESSED: Final = (uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian)
VERIFICATION: Final = uid.UID("1.2.840.10008.1.1")
COMMITMENT: Final = uid.UID("1.2.840.10008.1.20.1")
COMMITMENT_INSTANCE: Final = uid.UID("1.2.840.10008.1.20.1.1")


def offered() -> list[PresentationContext]:
    """Return the classes that the node accepts as an SCP, each with its transfer syntaxes; others are declined."""
    contexts = [build_context(VERIFICATION, list(UNCOMPRESSED))]
    contexts += [build_context(kind, list(readable_syntaxes())) for kind in (*FILMS, *IMAGES_KEPT)]
    contexts += [build_context(kind, list(UNCOMPRESSED)) for kind in DOCUMENTS_KEPT]
    commitment = build_context(COMMITMENT, list(UNCOMPRESSED))
    commitment.scu_role = commitment.scp_role = True  # a peer asks us, or reports to us what it has committed
    return [*contexts, commitment]
