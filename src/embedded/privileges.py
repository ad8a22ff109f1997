"""Running a command as the owner of a folder, for programs that refuse to run as root."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path

from src.embedded.exceptions import EmbeddedError


def is_root() -> bool:
    return os.geteuid() == 0


def give_to_nobody(folder: Path) -> None:
    """Change the owner of one folder; what is in it and above it stays as it is."""
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise _cannot_drop_root("there is no account `nobody`") from error
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)


def build_prefix(folder: Path) -> list[str]:
    """Build what goes before a command to run it as the owner of `folder`; nothing unless root.

    The owner may be unable to reach the folder or the program: both often live below /root or
    another 0700 folder. Opening those to everybody would be a hole, so the command keeps the one
    capability that ignores file modes; without `no_setuid_fixup`, access(2) would not count it.
    It gets no other back: `--no-new-privs` outlives `exec`.
    """
    if not is_root():
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise _cannot_drop_root("`setpriv` of util-linux is not installed")
    owner = folder.stat()
    prefix = [
        setpriv,
        f"--reuid={owner.st_uid}",
        f"--regid={owner.st_gid}",
        "--clear-groups",
        "--no-new-privs",
        "--securebits=+no_setuid_fixup",
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
    ]
    _check_permitted(prefix)
    return prefix


def _check_permitted(prefix: list[str]) -> None:
    attempt = subprocess.run(  # noqa: S603 -- the arguments are ours
        [*prefix, "true"], check=False, capture_output=True, text=True
    )
    if attempt.returncode:
        raise _cannot_drop_root(attempt.stderr.strip() or "`setpriv` failed")


def _cannot_drop_root(reason: str) -> EmbeddedError:
    return EmbeddedError(
        f"The embedded PostgreSQL cannot run as root, and root cannot be dropped ({reason}): "
        "set DATABASE_URL, or run as another user."
    )
