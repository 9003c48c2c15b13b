"""Metrics of a node in the format of Prometheus; read from the store and its parts when they are asked for.

Nothing here names a patient, a study or a film. Names and units follow Prometheus's own naming rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from unseen import __version__

if TYPE_CHECKING:
    from unseen_server.pacs.hl7_listener import Hl7Listener
    from unseen_server.pacs.intake import Intake
    from unseen_server.pacs.report_intake import ReportIntake
    from unseen_server.worklist.store import Store


@dataclass(frozen=True, kw_only=True)
class MeasuredParts:
    """Parts of the node that are measured: parts that do not run are None, or missing from `reports`."""

    store: Store
    intake: Intake | None = None
    associations: Callable[[], int] | None = None
    reports: tuple[ReportIntake, ...] = ()
    hl7: Hl7Listener | None = None


class NodeMetrics(Collector):
    """Asks the store at each scrape."""

    def __init__(self, watched: MeasuredParts) -> None:
        self._watched = watched
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """Return all metrics, as a scraper reads them. Raises WorklistError where the store cannot be read."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """Return no metrics before a scrape: registering must not query the store."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield each metric as it is now."""
        build = GaugeMetricFamily("unseen_build", "The version that runs", labels=["version"])
        build.add_metric([__version__], 1)
        yield build
        yield from self._node()
        yield from self._worklist()
        yield from self._outbox()
        yield from self._reports()

    def _node(self) -> Iterator[Metric]:
        watched = self._watched
        if watched.intake is not None:
            objects = CounterMetricFamily(
                "unseen_pacs_objects", "DICOM objects since the start, by peer", labels=["peer", "taken"]
            )
            for (peer, taken), number in sorted(watched.intake.counts().items()):
                objects.add_metric([peer, "yes" if taken else "no"], number)
            yield objects
        if watched.associations is not None:
            yield GaugeMetricFamily("unseen_pacs_associations", "Open associations", value=watched.associations())

    def _worklist(self) -> Iterator[Metric]:
        store = self._watched.store
        films = GaugeMetricFamily("unseen_films", "Films in the worklist", labels=["source"])
        waiting = GaugeMetricFamily("unseen_studies_waiting", "Studies that wait for a reader", labels=["source"])
        for source in store.studies.by_source():
            films.add_metric([source.name], source.films)
            waiting.add_metric([source.name], source.waiting)
        yield films
        yield waiting
        queue = store.jobs.counts()
        jobs = GaugeMetricFamily("unseen_queue_films", "Films by how far scoring is", labels=["state"])
        by_state = {"waiting": queue.waiting - queue.running, "running": queue.running}
        for state, number in (by_state | {"done": queue.done, "dead": queue.dead}).items():  # each film in one of them
            jobs.add_metric([state], number)
        yield jobs
        yield GaugeMetricFamily(
            "unseen_queue_oldest_seconds",
            "How long the oldest film has waited to be scored",
            value=queue.oldest_s or 0.0,
        )
        alarms = len(store.alarms.standing())
        yield GaugeMetricFamily("unseen_drift_alarms", "Drift alarms that two people have not seen", value=alarms)

    def _outbox(self) -> Iterator[Metric]:
        outbox = self._watched.store.outbox
        results = GaugeMetricFamily(
            "unseen_outbox_results",
            "Results by destination and how far they are",
            labels=["destination", "state"],
        )
        for (destination, state), number in sorted(outbox.counts().items()):
            results.add_metric([destination, state], number)
        yield results
        yield GaugeMetricFamily(
            "unseen_outbox_oldest_seconds",
            "How long the oldest result has waited to be kept by its destination",
            value=outbox.oldest_s() or 0.0,
        )

    def _reports(self) -> Iterator[Metric]:
        counts = self._watched.store.outside_reports.counts()
        standing = GaugeMetricFamily(
            "unseen_outside_reports", "Standing reports of other systems, by outcome", labels=["outcome"]
        )
        for outcome in ("normal", "abnormal", "unsure", ""):
            standing.add_metric([outcome or "none"], counts.by_outcome.get(outcome, 0))
        yield standing
        yield GaugeMetricFamily(
            "unseen_outside_reports_early", "Reports of studies that are not here, kept for a while", value=counts.early
        )
        cleared = GaugeMetricFamily(
            "unseen_cleared_reported", "Studies decided to be clear that another system reported", labels=["outcome"]
        )
        cleared.add_metric(["abnormal"], counts.cleared_abnormal)
        cleared.add_metric(["normal"], counts.cleared - counts.cleared_abnormal)
        yield cleared
        messages = CounterMetricFamily(
            "unseen_report_messages", "Reports since the start, by what they led to", labels=["led_to", "outcome"]
        )
        totals: dict[tuple[str, str], int] = {}
        for intake in self._watched.reports:
            for key, number in intake.counts().items():
                totals[key] = totals.get(key, 0) + number
        for (what, outcome), number in sorted(totals.items()):
            messages.add_metric([what, outcome], number)
        yield messages
        if self._watched.hl7 is not None:
            answers = CounterMetricFamily("unseen_hl7_messages", "HL7 messages since the start", labels=["answer"])
            for code, number in sorted(self._watched.hl7.answers().items()):
                answers.add_metric([code], number)
            yield answers
