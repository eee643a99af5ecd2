"""What stands around record and log: the data folder, its disk, the catalogue, the mail server."""

import os
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from api import classes
from api.doctor.setup import Setup
from api.settings import Settings
from api.watch.checks import Check, failed, ok, warning
from devices.errors import CatalogueError

_LITTLE_BYTES, _NOTHING_BYTES = 2_000_000_000, 200_000_000
_PATIENCE_S = 3.0
_PORT = {"smtps": 465}


def examine(setup: Setup) -> list[Check]:
    return [*_folder(setup), _catalogue(setup.settings), _mail(setup.settings)]


def _folder(setup: Setup) -> Iterator[Check]:
    data = setup.embedded or setup.settings.data
    if not data.is_dir():
        remedy = "Start it once: foremend up" if setup.embedded else "Make it, or set FOREMEND_DATA."
        yield failed("data", f"There is no data folder {data}.", remedy)
        return
    yield _private(data) if setup.embedded else _writable(setup.settings.photos)
    free = shutil.disk_usage(data).free
    words = f"The disk of the data has {free / 1e9:.1f} GB left."
    if free < _LITTLE_BYTES:
        yield (failed if free < _NOTHING_BYTES else warning)("disk", words, "Free some, or move the data.")
    else:
        yield ok("disk", words)


def _private(data: Path) -> Check:
    """0700, for root 0710 (the engines' user passes through); the engines' folders are theirs alone."""
    wrong = []
    for path, allowed in {data: 0o710, data / "postgres": 0o700, data / "nats": 0o700}.items():
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            wrong.append(f"{path} cannot be looked at ({error.strerror})")
            continue
        if mode & ~allowed:
            wrong.append(f"{path} has mode {mode:04o}")
    if data.stat().st_uid != os.geteuid():
        wrong.append(f"{data} belongs to another user")
    if wrong:
        return failed(
            "data", f"The data is not private: {'; '.join(wrong)}.", "chmod 700, as the user who runs Foremend"
        )
    return ok("data", f"Only Foremend can enter {data}.")


def _writable(photos: Path) -> Check:
    """The folder that photos are kept in, or the nearest one above it that exists."""
    there = next(path for path in (photos, *photos.absolute().parents) if path.is_dir())
    if not os.access(there, os.W_OK | os.X_OK):
        return failed("data", f"Photos cannot be kept: {there} is not writable for us.", "chown it, or FOREMEND_PHOTOS")
    return ok("data", f"Photos can be kept in {photos}.")


def _catalogue(settings: Settings) -> Check:
    try:
        known = classes.of(settings)
    except CatalogueError as error:
        words = f"{len(error.faults)} rows of the catalogue cannot be used, so nothing starts: {error.faults[0]}."
        return failed("catalogue", words, "foremend catalogue check FILE says them all")
    own = sum(len(added.models) for row in known.values() for added in row.own.values())
    return ok("catalogue", f"The catalogue has {len(known)} classes, and {own} models of FOREMEND_CATALOGUE.")


def _mail(settings: Settings) -> Check:
    if settings.smtp_url is None:
        return warning("mail", "No mail server is set: only the desk asks customers.", "FOREMEND_SMTP_URL")
    at = urlsplit(settings.smtp_url.get_secret_value())
    where = (at.hostname or "", at.port or _PORT.get(at.scheme, 587))
    try:
        with socket.create_connection(where, _PATIENCE_S):
            return ok("mail", f"The mail server {where[0]} answers.")
    except OSError as error:
        return failed("mail", f"The mail server {where[0]}:{where[1]} does not answer: {error}.", "FOREMEND_SMTP_URL")
