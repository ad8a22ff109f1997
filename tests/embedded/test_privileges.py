import os
import subprocess
import sys
from pathlib import Path

import pytest

from src.embedded.privileges import build_prefix, give_to_nobody

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or sys.platform != "linux", reason="needs root on Linux"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of nobody's, below one that only root may enter."""
    folder = tmp_path / "closed" / "data"
    folder.mkdir(parents=True)
    give_to_nobody(folder)
    folder.parent.chmod(0o700)
    return folder


def run(folder: Path, *command: str | Path) -> str:
    return subprocess.run(  # noqa: S603 -- the arguments are the test's
        [*build_prefix(folder), *command], check=True, capture_output=True, text=True
    ).stdout.strip()


@needs_root
def test_command_runs_as_the_owner_of_the_folder(folder: Path) -> None:
    assert run(folder, "id", "-u") == str(folder.stat().st_uid) != "0"
    assert run(folder, "id", "-G") == str(folder.stat().st_gid)


@needs_root
def test_command_reaches_closed_folders_of_root(folder: Path) -> None:
    run(folder, "test", "-w", folder.parent)
    run(folder, "touch", folder.parent / "made")


@needs_root
def test_command_may_not_do_what_else_root_may(folder: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        run(folder, "chown", "0", folder)


@pytest.mark.skipif(os.geteuid() == 0, reason="needs a user other than root")
def test_other_users_need_no_change(tmp_path: Path) -> None:
    assert build_prefix(tmp_path) == []
