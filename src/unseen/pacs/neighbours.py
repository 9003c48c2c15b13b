"""What runs in a node's process beside DICOM, where pacs.toml has a table for it: HL7, FHIR with metrics, syslog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from unseen.service.report_codes import load_report_codes

if TYPE_CHECKING:
    from unseen.pacs.hl7 import Hl7Listener
    from unseen.pacs.node import Node
    from unseen.pacs.report_intake import ReportIntake


class Neighbour(Protocol):
    """As `node.Part`."""

    def start(self) -> None:
        """Begin; return at once."""

    def stop(self) -> None:
        """End."""


def neighbours(node: Node) -> list[Neighbour]:
    """The parts that the node's configuration asks for, in the order of their start.

    Raises ReportCodesError for a table of codes that cannot be used, PacsConfigError for a certificate.
    """
    found: list[Neighbour] = []
    config = node.config
    intakes: list[ReportIntake] = []
    hl7: Hl7Listener | None = None
    if config.hl7 is not None:
        from unseen.pacs.hl7 import Hl7Listener
        from unseen.pacs.report_intake import ReportIntake
        from unseen.pacs.transport import server_context

        intakes.append(ReportIntake(node.store, load_report_codes(config.file(config.hl7.reports))))
        hl7 = Hl7Listener(config.hl7, intakes[-1], secure=server_context(config) if config.hl7.tls else None)
        found.append(hl7)
    if config.http is not None:
        from unseen.pacs.http import HttpServer, application
        from unseen.pacs.metrics import NodeMetrics, Watched
        from unseen.pacs.report_intake import ReportIntake
        from unseen.pacs.transport import web_context

        by_fhir = None
        if config.fhir is not None:
            by_fhir = ReportIntake(node.store, load_report_codes(config.file(config.fhir.reports)))
            intakes.append(by_fhir)
        watched = Watched(
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
        from unseen.pacs.audit_events import AuditSender
        from unseen.pacs.transport import client_context

        secure = client_context(config) if config.syslog.transport == "tls" else None
        found.append(AuditSender(config.syslog, node.store, secure=secure))
    return found
