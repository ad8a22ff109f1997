"""How log lines look: `logging.ini` names the handlers, structlog writes what goes through them."""

import logging
import logging.config
import re
from pathlib import Path
from typing import Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from src.config import LogFormat, Settings

_QUERY = re.compile(r"\?[^\s\"]*")
LOGGING_INI = Path(__file__).parent.parent / "logging.ini"


def configure_logging(settings: Settings) -> None:
    default: LogFormat = "json" if settings.environment == "production" else "console"
    form = settings.log.format or default
    logging.config.fileConfig(
        LOGGING_INI,
        defaults={"log_level": settings.log.level, "log_formatter": _FORMATTERS[form].__name__},
        disable_existing_loggers=False,
    )
    # No line says where in the code it was written, and to find out costs as much as to write it.
    logging._srcfile = None  # noqa: SLF001, as in the documentation of logging
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            *_RENDERERS[form],
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


_RENDERERS: Final[dict[LogFormat, list[Processor]]] = {
    "json": [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    # The prettier tracebacks of the default show local variables, which hold secrets.
    "console": [
        structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
    ],
}


class JSONFormatter(structlog.stdlib.ProcessorFormatter):
    """Makes one JSON object of a line of others; `logging.ini` names it."""

    form: LogFormat = "json"

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_RENDERERS[self.form],
            ],
        )


class ConsoleFormatter(JSONFormatter):
    """For a person's eyes; `logging.ini` names it."""

    form = "console"


_FORMATTERS: Final = {"json": JSONFormatter, "console": ConsoleFormatter}


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _clean_uvicorn_lines,
    ]


def _clean_uvicorn_lines(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Drop the second copy of a message, coloured for a terminal, and the queries of addresses."""
    event.pop("color_message", None)
    if event["logger"] == "uvicorn.error" and "?" in event["event"]:
        event["event"] = _QUERY.sub("", event["event"])
    return event
