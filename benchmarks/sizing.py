"""Cores, gigabytes and hours that a site or an archive needs, by measured times and a simulation of its queues.

    python -m benchmarks.sizing                      and studies/results/sizing.json, docs/scale.md
    python -m benchmarks.sizing --page               the tables in docs/scale.md from the kept figures
    python -m benchmarks.sizing --inputs             print the measured times alone
    python -m benchmarks.sizing --price 0.04 --no-keep          a price per core-hour: adds the cost, in its currency
    python -m benchmarks.sizing --cores 16 256 --no-keep        an archive on machines with so many cores in all

Inputs are the kept figures of other benchmarks, named in `measured`; each was taken on the machine that it names. A
site's films come at random moments (Poisson), at the rate of its peak hour, for as long as `--films` films take. Each
passes the DICOM node, a worker (read, score, write), and the sender of results. The number of workers is the least with
which 95 of 100 films are in the list within `--target-s`. Seeds are fixed: the same inputs give the same rows.
"""

from __future__ import annotations

import argparse
import json
import statistics
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.kept_figures import as_json
from benchmarks.queueing import Stage, constant, log_normal, one_of, simulate
from benchmarks.sizing_page import render
from unseen.artifacts.files import write_text
from unseen.artifacts.research_only import LIMITS

Figures = dict[str, Any]  # Any: JSON

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "studies" / "results"
KEPT, PAGE = RESULTS / "sizing.json", ROOT / "docs" / "scale.md"
SITES = {"a hospital": 100_000, "a country": 7_000_000}
ARCHIVES = (10_000_000, 100_000_000)
PEAK_SHARE = 0.12  # of a day's films, in its peak hour
_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Measured times and sizes: seconds and bytes of one film.

    Args:
        intake_s: The node stores one film, from several senders.
        score_s: Processor time of reading, decoding and scoring, without the start of the program.
        write: A result that comes alone is entered: median and 95th percentile.
        writes_per_s: Largest number of results that workers enter together, per second.
        delivery_s: Each measured time from the complete study to the archive's commitment of its report.
    """

    intake_s: float
    score_s: float
    write: tuple[float, float]
    writes_per_s: float
    delivery_s: tuple[float, ...]
    film_bytes: int
    map_bytes: int
    rendition_bytes: int
    row_bytes: int
    part_bytes: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=20_000, help="of a site that are simulated")
    parser.add_argument("--target-s", type=float, default=60.0, help="95 of 100 films are in the list within so long")
    parser.add_argument("--cores", type=int, nargs="+", default=[2, 64], help="of all machines that score an archive")
    parser.add_argument("--price", type=float, help="of a core-hour, in a currency of yours: adds the cost")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-keep", action="store_true", help="print the tables alone")
    parser.add_argument("--inputs", action="store_true", help="print the measured times alone")
    parser.add_argument("--page", action="store_true", help="write the tables from the kept figures alone")
    given = parser.parse_args()
    if given.page:
        write_page(json.loads(KEPT.read_text(encoding="utf-8")))
        return
    inputs, sources = measured(RESULTS)
    if given.inputs:
        print(json.dumps(asdict(inputs) | {"sources": sources}, indent=1, ensure_ascii=False))
        return
    figures = sized(
        inputs, sources, films=given.films, target_s=given.target_s, cores=given.cores, price=given.price,
        seed=given.seed,
    )  # fmt: skip
    print(render(figures))
    if not given.no_keep:
        write_text(KEPT, as_json(figures))
        write_page(figures)


def measured(folder: Path) -> tuple[Inputs, dict[str, str]]:
    """Return the inputs, and for each file of kept figures when and on what it was measured."""
    writes, pacs, archive, stored = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("result-writes", "pacs-speed", "archive", "stored-bytes")
    )
    now = writes["now"]
    alone = next(one for one in now["alone"] if one["database"] == "postgresql")
    together = [run for run in now["runs"] if run["database"] == "postgresql" and not run["infer_ms"]]
    one_worker = next(run for run in archive["runs"] if run["workers"] == 1)
    inputs = Inputs(
        intake_s=1 / pacs["intake"]["per_s"]["node"]["median"],
        score_s=one_worker["cpu_s_a_film"],
        write=(alone["median_ms"] / 1000, alone["p95_ms"] / 1000),
        writes_per_s=max(run["films_per_s"] for run in together),
        delivery_s=tuple(pacs["results"]["seconds"]),
        film_bytes=pacs["intake"]["bytes"],
        map_bytes=stored["bytes_per_film"]["maps"],
        rendition_bytes=stored["bytes_per_film"]["renditions"],
        row_bytes=stored["bytes_per_film"]["postgresql"],
        part_bytes=stored["bytes_per_film"]["part"],
    )
    sources = {
        "result-writes.json": _when(now, now["load_average"][0]),
        "pacs-speed.json": _when(pacs, None),
        "archive.json": _when(archive, one_worker["load"]) + f"; {archive['model']}, {archive['side']} pixels",
        "stored-bytes.json": _when(stored, stored["load_average"][0]) + f"; {stored['model']}",
    }
    return inputs, sources


def _when(figures: Figures, load: float | None) -> str:
    machine = figures["machine"]
    beside = "" if load is None else f", load average {load}"
    return f"{figures['date']}, {machine['cpu']}, {machine['cores']} cores{beside}"


def sized(
    inputs: Inputs,
    sources: dict[str, str],
    *,
    films: int,
    target_s: float,
    cores: list[int],
    price: float | None,
    seed: int,
) -> Figures:
    """Return all rows: sites by a simulation, archives by division."""
    return {
        "inputs": asdict(inputs),
        "sources": sources,
        "settings": {
            "films": films,
            "target_s": target_s,
            "cores": cores,
            "price_per_core_hour": price,
            "peak_share": PEAK_SHARE,
            "seed": seed,
        },
        "sites": [
            site(name, per_year, inputs, films=films, target_s=target_s, price=price, seed=seed)
            for name, per_year in SITES.items()
        ],
        "archives": [archived(number, count, inputs, price=price) for number in ARCHIVES for count in cores],
        "limits": LIMITS,
    }


def stages_of(inputs: Inputs, *, workers: int) -> list[Stage]:
    """Return a film's way through a site."""
    writing = log_normal(*inputs.write)
    return [
        Stage(name="intake", servers=1, service=constant(inputs.intake_s)),
        Stage(name="workers", servers=workers, service=lambda rng: inputs.score_s + writing(rng)),
        Stage(name="delivery", servers=1, service=one_of(inputs.delivery_s)),
    ]


def site(
    name: str, per_year: int, inputs: Inputs, *, films: int, target_s: float, price: float | None, seed: int
) -> Figures:
    """Return one site: the fewest workers that keep the target in the peak hour, and what that takes."""
    per_s = per_year / _DAYS * PEAK_SHARE / 3600
    busy_s = inputs.score_s + statistics.fmean(inputs.write)
    workers = max(1, int(per_s * busy_s) + 1)
    while True:
        ways = simulate(stages_of(inputs, workers=workers), per_s=per_s, films=films, seed=seed)
        listed = _quantiles([way.after_s[1] for way in ways])
        if listed[1] <= target_s or _quantiles([way.waited_s[1] for way in ways])[1] == 0:
            break  # where hardly a film waits, more workers change nothing: the target is too short
        workers += 1
    waits = _quantiles([sum(way.waited_s[:2]) for way in ways])
    delivered = _quantiles([way.after_s[2] for way in ways])
    capacity = {  # films a second at which one of each is busy all the time
        "DICOM node": 1 / inputs.intake_s,
        "workers": workers / busy_s,
        "database": inputs.writes_per_s,
        "sender of results": 1 / statistics.fmean(inputs.delivery_s),
    }
    order = sorted(capacity, key=lambda one: capacity[one])
    hours = per_year * (inputs.score_s + inputs.intake_s) / 3600
    kept = inputs.film_bytes + inputs.map_bytes + inputs.rendition_bytes + inputs.row_bytes
    return {
        "site": name,
        "films_per_year": per_year,
        "films_in_peak_hour": round(per_s * 3600, 1),
        "workers": workers,
        "cores": workers + 2,  # one for the node and the sender, one for the server and the database
        "target_met": listed[1] <= target_s,
        "wait_s": waits,
        "listed_s": listed,
        "delivered_s": delivered,
        "core_hours_per_year": round(hours, 1),
        "cost_per_year": None if price is None else round(hours * price, 2),
        "gigabytes_per_year": round(per_year * kept / 1e9, 1),
        "rows_gigabytes_per_year": round(per_year * inputs.row_bytes / 1e9, 2),
        "bottleneck": order[0],
        "bottleneck_busy": round(per_s / capacity[order[0]], 4),
        "full_at_films_per_year": {one: round(capacity[one] * 3600 / PEAK_SHARE * _DAYS) for one in order},
    }


def _quantiles(seconds: list[float]) -> list[float]:
    """The 50th and the 95th percentile."""
    cut = statistics.quantiles(seconds, n=20)
    return [round(cut[9], 3), round(cut[18], 3)]


def archived(films: int, cores: int, inputs: Inputs, *, price: float | None) -> Figures:
    """Return an archive that is scored once, each core with one worker process."""
    core_hours = films * inputs.score_s / 3600
    return {
        "films": films,
        "cores": cores,
        "core_hours": round(core_hours, 1),
        "hours": round(core_hours / cores, 1),
        "cost": None if price is None else round(core_hours * price, 2),
        "read_terabytes": round(films * inputs.film_bytes / 1e12, 1),
        "read_megabytes_per_s": round(cores / inputs.score_s * inputs.film_bytes / 1e6),
        "parts_gigabytes": round(films * inputs.part_bytes / 1e9, 1),
        "list_gigabytes": round(films * inputs.row_bytes / 1e9, 1),
    }


def write_page(figures: Figures) -> None:
    """The tables in docs/scale.md."""
    begin, end = "<!-- sizing tables -->", "<!-- end of the sizing tables -->"
    page = PAGE.read_text(encoding="utf-8")
    start, stop = page.index(begin) + len(begin), page.index(end)
    PAGE.write_text(f"{page[:start]}\n\n{render(figures)}\n\n{page[stop:]}", encoding="utf-8")


if __name__ == "__main__":
    main()
