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
    logging.config.fileConfig(
        LOGGING_INI,
        defaults={
            "log_level": settings.log.level,
            "log_formatter": _FORMATTERS[settings.log.format or default].__name__,
        },
        disable_existing_loggers=False,
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared_processors(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class JSONFormatter(structlog.stdlib.ProcessorFormatter):
    """One JSON object to a line; `logging.ini` names it."""

    def __init__(self, *_: object, **__: object) -> None:
        super().__init__(
            foreign_pre_chain=_shared_processors(),
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )


class ConsoleFormatter(structlog.stdlib.ProcessorFormatter):
    """For a person's eyes; `logging.ini` names it."""

    def __init__(self, *_: object, **__: object) -> None:
        # The prettier tracebacks of the default show local variables, which hold secrets.
        plain = structlog.dev.ConsoleRenderer(
            colors=False, exception_formatter=structlog.dev.plain_traceback
        )
        super().__init__(
            foreign_pre_chain=_shared_processors(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, plain],
        )


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
