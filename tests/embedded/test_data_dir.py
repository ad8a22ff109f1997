import os
import stat
from pathlib import Path

import pytest

from src.embedded import DataDirInUseError, load_secret, lock_data_dir
from tests.embedded.processes import read_line, run_python

HOLD_LOCK = """
import sys, time
from pathlib import Path
from src.embedded import lock_data_dir
with lock_data_dir(Path(sys.argv[1])):
    print("locked")
    time.sleep(60)
"""


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_data_dir_is_private(tmp_path: Path) -> None:
    with lock_data_dir(tmp_path / "new" / "data"):
        assert mode_of(tmp_path / "new" / "data") == 0o700


def test_existing_data_dir_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with lock_data_dir(tmp_path):
        assert mode_of(tmp_path) == 0o750


async def test_second_process_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    async with run_python(HOLD_LOCK, tmp_path) as owner:
        assert await read_line(owner) == "locked"
        with pytest.raises(DataDirInUseError) as refused, lock_data_dir(tmp_path):
            pass
    assert f"in use by process {owner.pid}:" in str(refused.value)
    assert "set DATABASE_URL and QDRANT_URL" in str(refused.value)


async def test_lock_is_free_after_its_owner_was_killed(tmp_path: Path) -> None:
    async with run_python(HOLD_LOCK, tmp_path) as owner:
        assert await read_line(owner) == "locked"
    with lock_data_dir(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_secret_is_made_once_and_private(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret.get_secret_value()) == 64
    assert load_secret(tmp_path) == secret
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert mode_of(tmp_path / "secret_key") == 0o600


def test_secret_of_another_folder_differs(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert load_secret(tmp_path) != load_secret(tmp_path / "other")
