"""Programs of the system, such as DCMTK's, which packages in a virtual environment may hide behind their own."""

import os
import sys
from pathlib import Path


def system_path() -> str:
    """Return PATH without the folder of this Python: pynetdicom has a `storescu` and an `echoscu` of its own there."""
    own = Path(sys.prefix, "bin").resolve()
    return os.pathsep.join(
        folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).resolve() != own
    )
