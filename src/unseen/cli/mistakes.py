"""Which exceptions are a user's mistake, told in one sentence, and which are bugs, shown with their traceback."""

from __future__ import annotations


def mistakes() -> tuple[type[Exception], ...]:
    """The exceptions whose message is written for the user. Imported only when something has gone wrong."""
    import sys

    known: list[type[Exception]] = [
        FileNotFoundError,
        FileExistsError,
        PermissionError,
        IsADirectoryError,
        NotADirectoryError,
    ]
    for module, names in {
        "unseen.artifacts.recipe": ["RecipeError"],
        "unseen.artifacts.registry": ["UnknownName"],
        "unseen.artifacts.bundle": ["BundleError"],
        "unseen.data.arrays": ["ArrayError"],
        "unseen.data.manifest": ["ManifestError", "SourceError"],
        "unseen.data.reading": ["NotReadError"],
        "unseen.training.settings": ["TrainingError"],
        "unseen.anatomy.lungs": ["NoMasksError"],
        "unseen.detectors.errors": ["FitError", "DeviceError"],
        "unseen.reconstruction.learning": ["MeasurementError"],
        "unseen.screening.guarantee": ["GuaranteeError"],
        "unseen.screening.policy": ["PolicyError"],
        "unseen.screening.gate.gate": ["GateError"],
        "unseen.worklist.states": ["WorklistError"],
        "unseen.web.server": ["ServingError"],
        "unseen.cli.usage": ["UsageError"],
    }.items():
        if module in sys.modules:
            known += [getattr(sys.modules[module], name) for name in names]
    return tuple(known)
