"""The folder of everything embedded: who owns it, and the secrets kept in it."""

import fcntl
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from pydantic import SecretStr

from src.embedded.exceptions import DataDirInUseError, EmbeddedError


def make_private_dir(folder: Path) -> None:
    """Make `folder` for its owner only. An existing one keeps the mode it was given."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def open_private(path: Path) -> BinaryIO:
    """Open to read and append, for the owner only; made when missing."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "a+b")


def try_lock(file: BinaryIO) -> bool:
    """Take the exclusive lock that lasts until `file` is closed here and in every child."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def lock_data_dir(data_dir: Path) -> Iterator[None]:
    """Own `data_dir`, made when missing, until the context exits or this process dies."""
    try:
        make_private_dir(data_dir)
    except OSError as error:
        raise EmbeddedError(
            f"{data_dir} cannot be made: {error.strerror}. Set DATA_DIR."
        ) from error
    with open_private(data_dir / "lock") as file:
        if not try_lock(file):
            raise _in_use(data_dir, file)
        file.truncate(0)
        file.write(b"%d\n" % os.getpid())
        file.flush()
        yield


def load_secret(data_dir: Path) -> SecretStr:
    """Read the secret that signs access tokens, made at the first call."""
    return load_or_make_secret(data_dir / "secret_key")


def load_or_make_secret(path: Path) -> SecretStr:
    """Read the secret of one file, made at the first call. Needs `lock_data_dir` held."""
    if not path.exists():
        _write_atomically(path, secrets.token_urlsafe(48))
    return SecretStr(path.read_text().strip())


def sync_dir(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _in_use(data_dir: Path, lock: BinaryIO) -> DataDirInUseError:
    lock.seek(0)
    pid = lock.read().decode().strip() or "unknown"
    return DataDirInUseError(
        f"{data_dir} is in use by process {pid}: set DATABASE_URL and QDRANT_URL to run more than "
        "one process, or give each its own DATA_DIR."
    )


def _write_atomically(path: Path, text: str) -> None:
    """Write for the owner only; a crash leaves no file or the whole one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)
    sync_dir(path.parent)
