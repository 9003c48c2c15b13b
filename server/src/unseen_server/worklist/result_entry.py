"""Entry of a worker's results into the store. Each result takes these steps, each in one module:

1. `worker.Worker._examine`: read the film and score it (`film_result.FilmScreening`).
2. `enter_results` here: write the anomaly maps to disk, then enter all results in one transaction (`_enter_together`).
3. `result_record.record_together`: look up the films, and enter those that need no other film's row.
4. `result_batch.Batch`: decide on each study in memory, then write the rows of all tables.

A film that joins another study, or is a copy of another film, is entered alone (`_enter_alone`, then
`result_record.record_alone`, which uses a `Batch` of one film). If one film makes a batch fail, each film of the batch
is entered alone, too.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from unseen_server.worklist.identities import FilmIdentity
from unseen_server.worklist.result_batch import OvertakenError
from unseen_server.worklist.result_record import record_alone, record_together
from unseen_server.worklist.states import WorklistError
from unseen_server.worklist.stored_files import room, write_flushed, write_several

if TYPE_CHECKING:
    from unseen_server.worklist.film_result import FilmScreening
    from unseen_server.worklist.jobs import Job
    from unseen_server.worklist.result_batch import EntryRules
    from unseen_server.worklist.site import Site


_log = logging.getLogger("unseen")


@dataclass(frozen=True, kw_only=True)
class Examined:
    """Film that a worker has read and scored; `maps` are the files of its anomaly maps by their digest."""

    job: Job
    result: FilmScreening
    maps: Mapping[str, bytes] = field(repr=False)


@dataclass
class Entered:
    """Outcome of entering results, by the films' numbers; films in neither collection were dropped."""

    entered: set[int] = field(default_factory=set)
    failed: dict[int, Exception] = field(default_factory=dict)


def enter_results(site: Site, examined: Sequence[Examined], rules: EntryRules) -> Entered:
    """Enter results. Raises WorklistError if the store cannot take them; results entered before are kept."""
    files = {digest: data for one in examined for digest, data in one.maps.items()}  # two models may give the same map
    temporaries = {digest: site.maps.temporary() for digest in files}
    found = Entered()
    try:
        with room(site.maps):
            write_several({temporaries[digest]: data for digest, data in files.items()})
        for one in _enter_together(site, examined, rules, temporaries, found):
            _enter_alone(site, one, rules, temporaries, found)
    finally:
        for temporary in temporaries.values():
            temporary.unlink(missing_ok=True)
    dropped = [one.job for one in examined if one.job.number not in found.entered | set(found.failed)]
    if dropped:  # a film may have been erased meanwhile: its renditions must not remain
        site.remove_unknown(site.renditions, [job.sha256 for job in dropped])
    return found


def _enter_together(
    site: Site, examined: Sequence[Examined], rules: EntryRules, temporaries: Mapping[str, Path], found: Entered
) -> list[Examined]:
    """Enter in one transaction all films that allow it; return the films that must be entered alone."""
    of_number = {one.job.number: one for one in examined}
    keys = {key for one in examined for key in FilmIdentity.of_film(site.names, one.result.screened.film).keys}
    try:
        with site.writing_together(keys) as writing, room(site.maps):
            recorded = record_together(writing, [(one.job, one.result) for one in examined], rules)
            _place(site, [of_number[number] for number in recorded.entered], temporaries)
    except OvertakenError:
        return list(examined)
    except WorklistError:
        raise
    except Exception as error:  # one film caused it; entering each film alone finds it
        _log.error(
            "batch.apart films=%d error=%s", len(examined), type(error).__name__
        )  # its message may name patients
        return list(examined)
    found.entered |= recorded.entered
    return [of_number[job.number] for job, _ in recorded.alone]


def _enter_alone(site: Site, one: Examined, rules: EntryRules, temporaries: Mapping[str, Path], found: Entered) -> None:
    """Enter the result of one film in a transaction of its own."""
    try:
        with site.writing() as writing, room(site.maps):
            entered = record_alone(writing, one.job, one.result, rules)
            if entered:
                _place(site, [one], temporaries)
    except WorklistError:
        raise
    except Exception as error:  # any error in the decision fails this film only
        found.failed[one.job.number] = error
        return
    if entered:
        found.entered.add(one.job.number)


def _place(site: Site, examined: Sequence[Examined], temporaries: Mapping[str, Path]) -> None:
    """Move the maps into place. Skip maps that exist already; write a map again if it was removed with another film."""
    wanted = {}
    for one in examined:
        for digest, data in one.maps.items():
            temporary = temporaries[digest]
            if not temporary.exists():
                if site.maps.of(digest).exists():
                    continue
                write_flushed(temporary, [data])
            wanted[digest] = temporary
    site.maps.place_several(wanted)
