"""The first elements of a DICOM file, read in a process that has imported nothing else of the package."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import io
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

found = Dataset()
found.SOPClassUID, found.StudyInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.2.34567"
found.file_meta = FileMetaDataset()
found.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
found.file_meta.MediaStorageSOPClassUID, found.file_meta.MediaStorageSOPInstanceUID = found.SOPClassUID, "1.2.3.4"
made = io.BytesIO()
found.save_as(made, enforce_file_format=True)
data = made.getvalue().replace(b"1.2.34567", b"1.2.SMITH")

from unseen.data.leading_elements import leading_header

print(str(leading_header(data).get("StudyInstanceUID")))
"""


def test_an_invalid_value_of_a_header_is_not_written_to_the_log() -> None:
    done = subprocess.run([sys.executable, "-W", "always", "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert "SMITH" not in done.stderr
    assert "SMITH" in done.stdout
