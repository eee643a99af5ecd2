"""What the worker, the relay and the HTTP process share: JSON logs in a file, a stop that signals set."""

import _thread
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from logging.handlers import RotatingFileHandler

import structlog

from api.settings import Settings
from devices.errors import CatalogueError

_LOG_BYTES = 8 * 1024 * 1024
_OLD_LOGS = 2
_LAST_WORDS_S = 5.0  # for whoever does not hear that all is over


def run(name: str, work: Callable[[Settings, threading.Event], None], settings: Settings | None = None) -> None:
    """Until a signal stops it; `settings` are the environment's unless given. An error, in whichever thread, ends the
    process: whoever supervises starts it again."""
    settings = settings or Settings.from_environment()
    _log_to(settings)
    stop = stopped_by(signal.SIGTERM, signal.SIGINT)
    died: list[BaseException] = []
    _watch_threads(stop, died)
    log = structlog.get_logger(name)
    log.info("started")
    try:
        work(settings, stop)
    except CatalogueError as error:
        for fault in error.faults:
            log.error("bad row of the catalogue", **asdict(fault))  # noqa: TRY400  a person's mistake, not ours
        sys.exit(1)
    except Exception:
        log.exception("died")
        sys.exit(1)
    if died:
        sys.exit(1)
    log.info("stopped")


def stopped_by(*numbers: signal.Signals) -> threading.Event:
    """Set once one of these signals has come. Not by the handler itself, which runs in the midst of whatever the main
    thread does: if that just waits for this very event, it holds the event's lock, and both would stand still."""
    stop = threading.Event()
    for number in numbers:
        signal.signal(number, lambda *_: _thread.start_new_thread(stop.set, ()))
    return stop


def _watch_threads(stop: threading.Event, died: list[BaseException]) -> None:
    """A dead side task stops the whole process; a half-alive one would look well."""

    def on_death(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or args.exc_type is SystemExit:
            return
        died.append(args.exc_value)
        structlog.get_logger("thread").error(
            "died", thread=args.thread.name if args.thread else None, exc_info=args.exc_value
        )
        stop.set()
        os.kill(os.getpid(), signal.SIGTERM)  # a server that does not look at `stop` hears this
        deadline = threading.Timer(_LAST_WORDS_S, os._exit, (1,))
        deadline.daemon = True
        deadline.start()

    threading.excepthook = on_death


def _log_to(settings: Settings) -> None:
    """JSON lines, ours and the libraries', into one file of bounded size, or to standard error without one."""
    handler: logging.Handler = logging.StreamHandler()
    if settings.log_file is not None:
        handler = RotatingFileHandler(settings.log_file, maxBytes=_LOG_BYTES, backupCount=_OLD_LOGS, encoding="utf-8")
    stamp: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=stamp,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    structlog.configure(
        processors=[*stamp, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
