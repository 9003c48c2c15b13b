"""`docs/reliability.md`: what is promised of crashes, broken files and memory, and what the long tests last found.

python -m docs.reliability_page          renders studies/results/soak.json; `make nightly` calls it at its end
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from studies.evidence.reliability import reliability_screen
from studies.evidence.screen import folded

ROOT = Path(__file__).parents[1]
Entry = Mapping[str, Any]  # Any: JSON

# What the short forms in `make test` take today; a test compares them with the tests' own numbers.
SHORT_FORMS = {"kills": 8, "serving_kills": 3, "pacs_kills": 3, "films": 300, "margin_bytes": 5 * 2**20}

_MADE_ON = ("date", "python", "torch", "processor")

PAGE = """\
# Reliability

{screen}

{number} promises. `make test` tests each in a short form, and `make nightly` in a long form.

## A training that is killed ends in the same weights

**Promised.** A training may be killed at any moment, also while it writes its checkpoint. Resumed with the same \
settings on the same machine, it ends in the same weights, bit for bit, as one that was never stopped. A checkpoint is \
the old one or the new one, whole; never half of one.

**Every `make test`** trains a small GAN (batch normalisation, dropout, Adam, random draws of its own) once \
undisturbed, and once with {usual_kills} SIGKILLs from another process. Half of them come at random moments, half are \
aimed at a checkpoint being written. Then weights, optimisers, random generators and the log's figures must be equal, \
and no temporary file may be left.

**The long form** is the same with a longer training and {kills} kills.

**Last run.** {kills} kills over {steps} steps, after {distinct_steps} different steps; {within_a_write} of them fell \
within a checkpoint's write. The resumed training was the same in every bit.

**Not promised.** The same bits on another machine, another device or another number of threads. A power cut is not \
tested: files are flushed to the disk before they are renamed; beyond that we rely on the disk.

## A broken file costs its own row

**Promised.** For any file, reading gives a film, or the file's name with the reason in a sentence. Reading \
continues with the other files. Memory stays under {limit_bytes}, the decoder's process included; a file that takes \
too long is stopped; no process is left behind. How: [decoding in a child process]\
(decisions/0002-decoding-in-a-child-process.md).

**Every `make test`** reads {usual_files} files of {kinds} types: cut short, with bits flipped, with false headers, \
decompression bombs, other formats, encrypted, endless sequences, pipes, links to nowhere, strange names. Of most \
types no file may be read; of some, a file may happen to be readable (a flipped bit in a JPEG). \
`tests/data/hostile.py` lists the types.

**The long form** runs many rounds with new random numbers, and damages the files of every second round \
further: bits flipped, pieces overwritten, cut out, repeated, or the end of another file in place of its own.

**Last run.** {files} files of {kinds} types, {damaged} of them damaged further; {distinct} different contents, since \
some types have few variants. Each file gave its row: {read} a film, {refused} a reason. The slowest took {slowest_s} \
s; memory reached {hostile_peak}. No row showed a part of the patient's name, though damage moved it into other fields.

**Not promised.** That a film that was read shows what its sender meant: a flipped bit in a pixel is a pixel.

## Many films take no more memory than a few

**Promised.** `unseen score` reads, scores and forgets one film at a time: its memory does not grow with their number.

**Every `make test`** scores {usual_films} small films (200 different ones, over and over) through the installed \
command, with anomaly maps written, and compares the memory that its processes allocate, without the pages of program \
files, with that for 100 films; the difference must stay under {margin_bytes}.

**The long form** does so with {film_count} films.

**Last run.** {film_count} films: {films_peak} at most, against {few_peak} for 200 films.

{serving}## The last run

{table}

`-dirty` after a commit means that files differed from it. Seconds are no benchmark: other programs may have run too.
"""

SERVING = """\
## A film that was acknowledged is not lost

**Promised.** When the server has answered 200 or 201, the film is on the disk and in the queue. Its server, its \
workers, or both may then be killed at any moment: the film is there with the bytes that were sent, it is scored once, \
and it is on the list once.

**Every `make test`** sends films from a process of its own, which writes down each acknowledgement, while server and \
workers are killed (SIGKILL) at {usual_kills} random moments and started again. Afterwards the acknowledgements are \
joined to the store by SHA-256. The same is done to the worklist below the server, on SQLite and on PostgreSQL.

**The long form** is the same with {kills} kills.

**Last run.** {kills} kills ({serve_kills} of the server, {worker_kills} of a worker), {films} films, \
{acknowledgements} acknowledgements: {lost} lost, none twice.

**Not promised.** A disk that reports a write that it did not make, or a disk that fails: you need backups.

"""


PACS = """\
## A film by DICOM is stored once, and its result is kept once

**Promised.** When the node has acknowledged an instance, it is on the disk. Node, sender and worker may be killed at \
any moment: the film is stored once and scored once, and its report is in the archive under one UID, whatever was sent \
twice.

**Every `make test`** kills them {usual_kills} times on PostgreSQL, in turn, at random moments, while films come in \
and an archive confirms reports by storage commitment. **The long form** does so {kills} times, on SQLite too.

**Last run.** {kills} kills each: {acknowledged} acknowledged films on PostgreSQL and {acknowledged_sqlite} on SQLite, \
none lost, none twice; every report kept once.

"""


def page(soak: Mapping[str, Entry]) -> str:
    """Return the whole page as Markdown, from the entries of `studies/results/soak.json`."""
    kills, hostile, films = soak["kills"], soak["hostile"], soak["films"]
    lines = ["| | Peak memory | Seconds | Date | Python | torch | Machine | Commit |", "|---|" + "---|" * 7]
    for words, entry in (("Kills", kills), ("Broken files", hostile), ("Many films", films)):
        made_on = [entry[key] for key in _MADE_ON]
        commit = f"`{entry['commit']}`" if entry["commit"] else "–"
        cells = [words, megabytes(entry["peak_bytes"]), count(entry["seconds"]), *made_on, commit]
        lines.append(f"| {' | '.join(cells)} |")
    serving = soak.get("serving")
    if serving is not None:
        commit = f"`{serving['commit']}`" if serving["commit"] else "–"
        cells = ["Serving", "–", count(serving["seconds"]), *(str(serving[key]) for key in _MADE_ON), commit]
        lines.append(f"| {' | '.join(cells)} |")
    further = "" if serving is None else SERVING.format(**{**serving, "usual_kills": SHORT_FORMS["serving_kills"]})
    by_dicom = soak.get("pacs-kills-postgresql")
    if by_dicom is not None:
        on_sqlite = soak["pacs-kills-sqlite"]
        commit = f"`{by_dicom['commit']}`" if by_dicom["commit"] else "–"
        cells = ["By DICOM", "–", count(by_dicom["seconds"]), *(str(by_dicom[key]) for key in _MADE_ON), commit]
        lines.append(f"| {' | '.join(cells)} |")
        further += PACS.format(
            usual_kills=SHORT_FORMS["pacs_kills"],
            kills=by_dicom["kills"],
            acknowledged=by_dicom["acknowledged"],
            acknowledged_sqlite=on_sqlite["acknowledged"],
        )
    whole = PAGE.format(
        screen="\n\n".join(reliability_screen(soak).blocks()),
        number=("Three", "Four", "Five")[(serving is not None) + (by_dicom is not None)],
        serving=further,
        usual_kills=SHORT_FORMS["kills"],
        kills=kills["kills"],
        steps=count(kills["steps"]),
        distinct_steps=kills["distinct_steps"],
        within_a_write=kills["within_a_write"],
        limit_bytes=megabytes(hostile["limit_bytes"]),
        usual_files=count(hostile["usual_files"]),
        kinds=hostile["kinds"],
        files=count(hostile["files"]),
        damaged=count(hostile["damaged"]),
        distinct=count(hostile["distinct"]),
        read=count(hostile["read"]),
        refused=count(hostile["files"] - hostile["read"]),
        slowest_s=hostile["slowest_s"],
        hostile_peak=megabytes(hostile["peak_bytes"]),
        usual_films=count(SHORT_FORMS["films"]),
        film_count=count(films["films"]),
        margin_bytes=megabytes(SHORT_FORMS["margin_bytes"]),
        films_peak=megabytes(films["peak_bytes"]),
        few_peak=megabytes(films["peak_bytes_200"]),
        table="\n".join(lines),
    )
    return "\n\n".join(folded(whole.strip().split("\n\n"))) + "\n"


def count(number: int) -> str:
    return f"{number:,}"


def megabytes(number: float) -> str:
    return f"{number / 1e6:,.0f} MB"


if __name__ == "__main__":
    soak = json.loads((ROOT / "studies" / "results" / "soak.json").read_text(encoding="utf-8"))
    (ROOT / "docs" / "reliability.md").write_text(page(soak), encoding="utf-8")
    reliability_screen(soak).write(ROOT / "docs")
    print("rendered docs/reliability.md")
