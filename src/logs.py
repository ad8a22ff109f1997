"""How log lines look: `logging.ini` names the handlers, structlog writes what goes through them."""

import logging
import logging.config
from pathlib import Path
from typing import Literal

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from src.config import Settings

LOGGING_INI = Path(__file__).parent.parent / "logging.ini"


def configure_logging(settings: Settings) -> None:
    default = "json" if settings.environment == "production" else "console"
    logging.config.fileConfig(
        LOGGING_INI,
        defaults={"log_level": settings.log.level, "log_renderer": settings.log.format or default},
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


class LogFormatter(structlog.stdlib.ProcessorFormatter):
    """The formatter that `logging.ini` names; its `format` is `json` or `console`."""

    def __init__(self, fmt: Literal["json", "console"], *_: object, **__: object) -> None:
        renderer: list[Processor] = (
            [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
            if fmt == "json"
            # The prettier tracebacks of the default show local variables, which hold secrets.
            else [
                structlog.dev.ConsoleRenderer(
                    colors=False, exception_formatter=structlog.dev.plain_traceback
                )
            ]
        )
        super().__init__(
            foreign_pre_chain=_shared_processors(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )


def _shared_processors() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _drop_uvicorn_color,
    ]


def _drop_uvicorn_color(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Uvicorn sends each message a second time, coloured for a terminal."""
    event.pop("color_message", None)
    return event
