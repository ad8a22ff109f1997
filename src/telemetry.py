"""Sends out what `src.metrics` records: to Prometheus, to an OpenTelemetry collector, to Sentry.

OpenTelemetry knows one provider per process, and so does this module. A collector and Sentry need
the packages of `requirements/telemetry.txt`, which nothing imports before a setting asks for them.
"""

import asyncio
import contextlib
import os
import socket
from functools import cache
from hmac import compare_digest
from importlib import import_module
from ipaddress import ip_address
from typing import Any, Final

import structlog
from fastapi import APIRouter, Response
from opentelemetry import metrics, trace
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool
from starlette.requests import HTTPConnection

from src.chat.engine import AnswerEngine
from src.config import Settings
from src.database import Sessions
from src.documents.backlog import read_backlog
from src.exceptions import AppError, ForbiddenError, UnauthenticatedError
from src.llm.service import LLMService
from src.metrics import (
    ANSWERS_RUNNING,
    JOBS_OLDEST,
    JOBS_WAITING,
    LOOP_LAG,
    LOOP_TASKS,
    MODEL_QUEUE_LENGTH,
    MODEL_RUNNING,
    POOL_IN_USE,
    POOL_SIZE,
)

log = structlog.get_logger(__name__)

_TICK_SECONDS: Final = 1.0
_TICKS_PER_BACKLOG: Final = 15
_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")

router = APIRouter(tags=["health"], include_in_schema=False)


class TelemetryError(Exception):
    """The settings ask for something whose packages are not installed."""


class MetricsForbiddenError(ForbiddenError):
    code = "metrics_forbidden"
    default_detail = "Ask from the machine itself, or set METRICS_TOKEN and send it as a bearer."


def configure_telemetry(settings: Settings) -> None:
    """Begin to export; later calls of the same process change nothing."""
    _start_export(
        settings.otel.service_name, settings.otel.exporter_otlp_endpoint, settings.environment
    )
    if settings.sentry.dsn is not None:
        _start_sentry(settings.sentry.dsn.get_secret_value(), settings.environment)


def render_metrics() -> bytes:
    return generate_latest(_registry())


@router.get("/metrics")
async def read_metrics(connection: HTTPConnection) -> Response:
    """Return what is measured in this process, for Prometheus."""
    check_reader(connection, connection.state.settings)
    return Response(render_metrics(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def check_reader(connection: HTTPConnection, settings: Settings) -> None:
    """Let in who has the token or, when there is none, who asks from this very machine."""
    if settings.metrics.token is not None:
        token = settings.metrics.token.get_secret_value()
        given = connection.headers.get("authorization", "").removeprefix("Bearer ")
        if not compare_digest(given.encode(), token.encode()):
            raise UnauthenticatedError("Send METRICS_TOKEN as a bearer token.")
    elif not _is_local(connection):
        raise MetricsForbiddenError


def _is_local(connection: HTTPConnection) -> bool:
    """Neither a proxy of this machine nor a page in one of its browsers may ask for others."""
    if connection.client is None or any(name in connection.headers for name in _FORWARDED):
        return False
    host = connection.headers.get("host", "").rpartition(":")[0] or connection.headers.get("host")
    with contextlib.suppress(ValueError):
        return ip_address(connection.client.host).is_loopback and host in _LOCAL_NAMES
    return False


class Sampler:
    """Looks now and then at what is not an event: queues, pools, the event loop itself."""

    def __init__(
        self,
        engine: AsyncEngine,
        sessions: Sessions,
        llm: LLMService,
        answers: AnswerEngine | None = None,
    ) -> None:
        self._pool = engine.pool
        self._sessions = sessions
        self._llm = llm
        self._answers = answers

    async def run(self) -> None:
        """Look until cancelled."""
        loop = asyncio.get_running_loop()
        tick = 0
        while True:
            if tick % _TICKS_PER_BACKLOG == 0:
                await self._look_at_backlog()
            self._look()
            tick += 1
            due_at = loop.time() + _TICK_SECONDS
            await asyncio.sleep(_TICK_SECONDS)
            LOOP_LAG.record(max(0.0, loop.time() - due_at))

    def _look(self) -> None:
        assert isinstance(self._pool, QueuePool)  # noqa: S101, see `create_engine`
        POOL_SIZE.set(self._pool.size())
        POOL_IN_USE.set(self._pool.checkedout())
        LOOP_TASKS.set(len(asyncio.all_tasks()))
        ANSWERS_RUNNING.set(self._answers.count_running() if self._answers else 0)
        for queue in self._llm.list_queues():
            MODEL_QUEUE_LENGTH.set(queue.waiting, {"model": queue.model})
            MODEL_RUNNING.set(queue.running, {"model": queue.model})

    async def _look_at_backlog(self) -> None:
        try:
            backlogs = await read_backlog(self._sessions)
        except AppError:
            return  # The database is away: others say so.
        except Exception as error:  # noqa: BLE001, the outermost edge of a task
            log.warning("the queue was not looked at", reason=repr(error))
            return
        for kind, backlog in backlogs.items():
            JOBS_WAITING.set(backlog.waiting, {"kind": kind})
            JOBS_OLDEST.set(backlog.oldest_seconds, {"kind": kind})


class _QueryRemover(SpanProcessor):
    """Queries of addresses hold what people search for."""

    def on_start(self, span: Span, parent_context: object = None) -> None:
        del parent_context
        if span.attributes and "url.query" in span.attributes:
            span.set_attribute("url.query", "REDACTED")


@cache
def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


@cache
def _start_export(service_name: str, endpoint: str | None, environment: str) -> None:
    resource = Resource.create(
        {
            "service.name": service_name,
            "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
            "deployment.environment.name": environment,
        }
    )
    readers: list[MetricReader] = [
        PrometheusMetricReader(registry=_registry(), scope_info_enabled=False)
    ]
    if endpoint is not None:
        exporter = _import("opentelemetry.exporter.otlp.proto.http.metric_exporter")
        sender = exporter.OTLPMetricExporter(endpoint=f"{endpoint.rstrip('/')}/v1/metrics")
        readers.append(PeriodicExportingMetricReader(sender))
        trace.set_tracer_provider(_create_tracing(resource, endpoint))
    # Prometheus gets no exemplars: without a collector, none are looked for.
    exemplars = AlwaysOffExemplarFilter() if endpoint is None else None
    provider = MeterProvider(readers, resource=resource, exemplar_filter=exemplars)
    metrics.set_meter_provider(provider)


def _create_tracing(resource: Resource, endpoint: str) -> TracerProvider:
    exporter = _import("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    sender = exporter.OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(_QueryRemover())
    provider.add_span_processor(BatchSpanProcessor(sender))
    return provider


@cache
def _start_sentry(dsn: str, environment: str) -> None:
    sentry = _import("sentry_sdk")
    # Local variables, bodies and headers hold questions, documents and tokens.
    sentry.init(
        dsn=dsn,
        environment=environment,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=_strip_event,
    )
    # Its line is about an exception that has been reported by then.
    _import("sentry_sdk.integrations.logging").ignore_logger("src.error_handlers")


def _strip_event(event: dict[str, Any], _: object) -> dict[str, Any]:
    """Keep of a request its method alone: its address and headers say who asked for what."""
    request = event.get("request", {})
    event["request"] = {"method": request.get("method")}
    event.pop("breadcrumbs", None)
    return event


def _import(name: str) -> Any:  # noqa: ANN401, a package that may not be installed
    try:
        return import_module(name)
    except ImportError as exc:
        raise TelemetryError(
            f"{exc.name} is missing: pip install -r requirements/telemetry.txt"
        ) from exc
