"""`python -m studies.grey_scale`: one film stored in many ways, its scores and the gate's decisions.

Films of ms_cxr are 8-bit PNGs. Each of 200, evenly spread over the manifest, is stored in the ways of `WAYS`.
The scores are compared with that of the PNG, in standard deviations of the normal films' scores. The command continues
where it stopped: `--kept` has one line per film.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from pydicom import Dataset, dcmwrite, uid
from pydicom.dataset import FileMetaDataset

from studies.pages.cells import put_between
from studies.row_files import add_rows_option, read_study, write_row
from unseen import __version__
from unseen.anatomy.found_lungs import FoundLungs
from unseen.data.film import Film, NotRead
from unseen.data.manifest import Entry
from unseen.data.reading import films, read_film
from unseen.detectors.saved import Runtime
from unseen.evaluation.intervals import Json
from unseen.runs.cohort import data_root
from unseen.screening.screener import Screener, load, scored_film

STUDY = "grey_scale"
FILMS = 200
MOST_CHANGE = 0.1
"""Share of the normal films' standard deviation by which a score may differ between ways to store a film."""
BEGIN, END = "<!-- grey scale table -->", "<!-- end of the grey scale table -->"
_CR = uid.UID("1.2.840.10008.5.1.4.1.1.1")

Grey = NDArray[np.uint8]


def _dicom(
    stored: NDArray[np.integer], *, bits: int, syntax: uid.UID = uid.ExplicitVRLittleEndian, **tags: Any
) -> bytes:
    """A CR film; `tags` are attributes."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = _CR
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = uid.generate_uid(
        entropy_srcs=[stored.tobytes().hex()]
    )
    ds.Modality, ds.SamplesPerPixel, ds.PhotometricInterpretation = "CR", 1, "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, bits, bits - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.add_new("PixelData", "OW", stored.tobytes())
    for keyword, value in tags.items():
        setattr(ds, keyword, value)
    if syntax != uid.ExplicitVRLittleEndian:
        ds.compress(syntax, generate_instance_uid=False)
    written = BytesIO()
    dcmwrite(written, ds, enforce_file_format=True)
    return written.getvalue()


def _deep(grey: Grey, bits: int = 12) -> NDArray[np.uint16]:
    return np.asarray(np.rint(grey / 255 * (2**bits - 1)), np.uint16)


def _window(low: float, high: float) -> dict[str, Any]:  # Any: values of attributes
    return {"WindowCenter": (low + high + 1) / 2, "WindowWidth": high - low + 1}


def _table(entries: NDArray[np.integer]) -> Dataset:
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [len(entries), 0, 12], "US"
    item.add_new("LUTData", "OW", entries.astype("<u2").tobytes())
    return item


_FALLING = np.arange(4095, -1, -1)

WAYS: Mapping[str, Callable[[Grey], bytes]] = {
    "12 bits": lambda grey: _dicom(_deep(grey), bits=12),
    "12 bits in a file of 16, window": lambda grey: _dicom(_deep(grey), bits=16, **_window(0, 4095)),
    "half of the bits, window": lambda grey: _dicom(_deep(grey, 11), bits=12, **_window(0, 2047)),
    "half of the bits, no window": lambda grey: _dicom(_deep(grey, 11), bits=12),
    "signed, rescaled, a window over its middle": lambda grey: _dicom(
        (_deep(grey, 11).astype(np.int16) - 1500), bits=14, RescaleSlope=2, RescaleIntercept=5000,
        WindowCenter=2000 + 2047.5, WindowWidth=4095,
    ),
    "VOI LUT that inverts": lambda grey: _dicom(4095 - _deep(grey), bits=12, VOILUTSequence=[_table(_FALLING)]),
    "modality LUT that inverts": lambda grey: _dicom(
        4095 - _deep(grey), bits=12, ModalityLUTSequence=[_table(_FALLING)]
    ),
    "MONOCHROME1, 16 bits": lambda grey: _dicom(
        65535 - _deep(grey, 16), bits=16, PhotometricInterpretation="MONOCHROME1"
    ),
    "a padding value that the film has": lambda grey: _dicom(
        _deep(grey), bits=12, PixelPaddingValue=int(np.median(_deep(grey)))
    ),
    "JPEG 2000, 12 bits": lambda grey: _dicom(_deep(grey), bits=12, syntax=uid.JPEG2000Lossless),
}  # fmt: skip
"""A film's 8-bit grey values to a file of the same film."""


def measured(film: Film | NotRead, screener: Screener) -> tuple[float | None, str | None]:
    """Return the film's score, and the reason for which the gate refuses it.

    Raises:
        SystemExit: the file was not read, such as on a machine under load; nothing of its film is kept.
    """
    if isinstance(film, NotRead):
        raise SystemExit(f"{film.name}: {film.reason}")
    lungs = FoundLungs.of(film, None)
    refusal = screener.refusal(film, lungs)
    found = scored_film(screener.detector, film, lungs)
    return (None if isinstance(found, NotRead) else found.score), refusal


def stored_in_all_ways(film: Film) -> Iterator[tuple[str, Film | NotRead]]:
    """Yield each way's name, and the film read back from a file stored in it."""
    grey = np.rint(film.pixels * 255).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        for number, (way, stored) in enumerate(WAYS.items()):
            path = Path(folder) / f"{number}.dcm"
            path.write_bytes(stored(grey))
            yield way, read_film(Entry(name=way, path=path, source=film.source, patient="p", study="s"))


def measure(film: Film | NotRead, screener: Screener) -> dict[str, Json]:
    """Scores and refusals of the film as it is ("PNG") and stored in each way."""
    if isinstance(film, NotRead):
        raise SystemExit(f"{film.name}: {film.reason}")
    score, refusal = measured(film, screener)
    ways: dict[str, Json] = {"PNG": [score, refusal]}
    for way, again in stored_in_all_ways(film):
        ways[way] = list(measured(again, screener))
    return {"film": film.name, "label": film.label, "source": film.source, "ways": ways}


def row_of(lines: Sequence[Mapping[str, Any]], *, model: str) -> dict[str, Json]:
    """Return the row: by way, the largest change of a score and the number of other decisions.

    >>> line = {"film": "a", "label": "normal", "source": "x", "ways": {"PNG": [1.0, None], "w": [1.1, "no"]}}
    >>> other = line | {"ways": {"PNG": [3.0, None], "w": [3.0, None]}}
    >>> row = row_of([line, other], model="m")
    >>> round(row["ways"][0]["largest_change"], 3), row["ways"][0]["other_decisions"], row["holds"]
    (0.1, 1, False)
    """
    normals = [line["ways"]["PNG"][0] for line in lines if line["label"] == "normal"]
    spread = float(np.std(normals))
    ways: list[dict[str, Any]] = []
    for way in (name for name in lines[0]["ways"] if name != "PNG"):
        pairs = [(line["ways"]["PNG"], line["ways"][way]) for line in lines]
        unscored = sum(there[0] is None for _, there in pairs)
        changes = [abs(here[0] - there[0]) / spread for here, there in pairs if there[0] is not None]
        ways.append(
            {
                "way": way,
                "largest_change": max(changes, default=0.0),
                "mean_change": float(np.mean(changes)) if changes else 0.0,
                "other_decisions": sum(here[1] != there[1] for here, there in pairs),
                "not_scored": unscored,
            }
        )
    holds = all(
        one["largest_change"] <= MOST_CHANGE and not one["other_decisions"] and not one["not_scored"] for one in ways
    )
    return {
        "model": model,
        "films": len(lines),
        "normals": len(normals),
        "spread": spread,
        "most_change": MOST_CHANGE,
        "refused": sum(line["ways"]["PNG"][1] is not None for line in lines),
        "ways": ways,  # type: ignore[dict-item]
        "holds": holds,
        "version": __version__,
        "machine": platform.machine(),
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def as_markdown(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of the page: one line per model and way."""
    lines = [
        "| Model | Stored as | Largest change (SD) | Mean change (SD) | Other decisions |",
        "|---|---|---|---|---|",
    ]
    for row in rows.values():
        lines += [
            f"| `{row['model']}` | {one['way']} | {one['largest_change']:.4f} | {one['mean_change']:.4f} | "
            f"{one['other_decisions']} of {row['films']} |"
            for one in row["ways"]
        ]
    return "\n".join(lines)


def main() -> None:
    """Measure and write the row, or put the rows into the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.grey_scale", description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="models/ensemble-five", help="bundle, or name of a shipped model")
    parser.add_argument("--runtime", choices=get_args(Runtime), default="torch", help="what computes the scores")
    add_rows_option(parser)
    parser.add_argument("--kept", type=Path, help="file of the films measured so far, one JSON line each")
    parser.add_argument("--render", type=Path, help="only put the tables of the rows into this page")
    given = parser.parse_args()
    if given.render is not None:
        put_between(given.render, BEGIN, END, as_markdown(read_study(STUDY, given.rows)))
        print("rendered", given.render)
        return
    if given.kept is None:
        parser.error("give --kept FILE, so that the measurement can continue where it stops")
    torch.set_num_threads(1)
    screener = load(given.model, runtime=given.runtime)
    listed = films(data_root() / "ms_cxr" / "manifest.csv")
    picked = [listed.entries[i] for i in np.linspace(0, len(listed) - 1, FILMS).round().astype(int)]
    lines = [json.loads(line) for line in given.kept.read_text().splitlines()] if given.kept.exists() else []
    done = {line["film"] for line in lines}
    given.kept.parent.mkdir(parents=True, exist_ok=True)
    with given.kept.open("a", encoding="utf-8") as kept:
        for entry in picked:
            if entry.name in done:
                continue
            film = read_film(entry)
            lines.append(measure(film, screener))
            print(json.dumps(lines[-1]), file=kept, flush=True)
    name = f"{STUDY}/{Path(given.model).name}"
    print("wrote", write_row(row_of(lines, model=given.model), given.rows, name=name))


if __name__ == "__main__":
    main()
