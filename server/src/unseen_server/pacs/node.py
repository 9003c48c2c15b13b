"""The node as a whole: its listener, storage commitment, and what runs behind them. One place starts and ends all.

A part is anything with `start` and `stop`: the outbox's loop, and what `neighbours` adds for HL7, FHIR and metrics.
Parts start before the listener and end after it, so that what comes in always meets what handles it.

What runs in a node's process beside DICOM, where pacs.toml has a table for it: HL7, FHIR with metrics, syslog.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from unseen_server.pacs import certificates
from unseen_server.pacs.commitment import Commitments, OnReport
from unseen_server.pacs.config import PacsConfig
from unseen_server.pacs.delivery import Delivery
from unseen_server.pacs.intake import Intake
from unseen_server.pacs.listener import Listener
from unseen_server.service.outside_report_codes import load_report_codes
from unseen_server.worklist.store import Store

if TYPE_CHECKING:
    from unseen_server.pacs.hl7_listener import Hl7Listener
    from unseen_server.pacs.report_intake import ReportIntake


def neighbours(node: Node) -> list[NodePart]:
    """Return the parts that the node's configuration asks for, in the order of their start.

    Raises ReportCodesError for a table of codes that cannot be used, PacsConfigError for a certificate.
    """
    found: list[NodePart] = []
    config = node.config
    intakes: list[ReportIntake] = []
    hl7: Hl7Listener | None = None
    if config.hl7 is not None:
        from unseen_server.pacs.hl7_listener import Hl7Listener
        from unseen_server.pacs.report_intake import ReportIntake
        from unseen_server.pacs.transport import server_context

        intakes.append(ReportIntake(node.store, load_report_codes(config.file(config.hl7.reports))))
        hl7 = Hl7Listener(config.hl7, intakes[-1], secure=server_context(config) if config.hl7.tls else None)
        found.append(hl7)
    if config.http is not None:
        from unseen_server.pacs.http import HttpServer, application
        from unseen_server.pacs.metrics import MeasuredParts, NodeMetrics
        from unseen_server.pacs.report_intake import ReportIntake
        from unseen_server.pacs.transport import web_context

        by_fhir = None
        if config.fhir is not None:
            by_fhir = ReportIntake(node.store, load_report_codes(config.file(config.fhir.reports)))
            intakes.append(by_fhir)
        watched = MeasuredParts(
            store=node.store,
            intake=node.intake,
            associations=lambda: node.listener.associations,
            reports=tuple(intakes),
            hl7=hl7,
        )
        app = application(
            node.store,
            NodeMetrics(watched),
            fhir=config.fhir,
            reports=by_fhir,
            listens=lambda: node.listener.listens,
        )
        found.append(HttpServer(config.http, app, secure=web_context(config) if config.http.tls else None))
    if config.syslog is not None:
        from unseen_server.pacs.audit_sender import AuditSender
        from unseen_server.pacs.transport import client_context

        secure = client_context(config) if config.syslog.transport == "tls" else None
        found.append(AuditSender(config.syslog, node.store, secure=secure))
    return found


_log = logging.getLogger("unseen")


class NodePart(Protocol):
    """Background part of a node."""

    def start(self) -> None:
        """Begin; return at once."""

    def stop(self) -> None:
        """End within a second or two; what is not done is done after the next start."""


class Node:
    """Runs from `start` to `stop`, or in a `with` block.

    Args:
        on_report: takes what peers report of our results; where it raises a WorklistError, the peer reports again;
            None: the outbox takes it.

    Raises PacsConfigError where a certificate, key or ca of [tls] cannot be used.
    """

    def __init__(
        self,
        config: PacsConfig,
        store: Store,
        *,
        on_report: OnReport | None = None,
    ) -> None:
        certificates.check(config)
        self.config, self.store = config, store
        self.intake = Intake(store, config)
        self.commitments = Commitments(
            config,
            store.home,
            holds=store.films.holds,
            on_report=on_report or (lambda report: self.delivery.reported(report)),
        )
        self.delivery = Delivery(config, store, ask=self.commitments.ask)
        self.listener = Listener(config, self.intake, self.commitments)
        self.neighbours = neighbours(self)
        self._parts: list[NodePart] = [self.commitments, self.delivery, *self.neighbours, self.listener]
        self._started: list[NodePart] = []

    def start(self) -> None:
        """Start every part. Raises PacsConfigError where a port is taken; nothing runs then."""
        self.store.sweep()
        try:
            for part in self._parts:
                part.start()
                self._started.append(part)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End every part, the listener first."""
        while self._started:
            self._started.pop().stop()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set."""
        with self:
            stop.wait()

    def __enter__(self) -> Node:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()
