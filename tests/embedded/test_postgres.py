import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil
import pytest
from sqlalchemy import make_url

from src.embedded import EmbeddedError, run_postgres
from src.embedded.privileges import build_prefix
from tests.embedded.processes import is_running, read_line, run_python, wait_until

# The operating system keeps what was written when a process is killed: only power cuts need fsync.
FAST = {"fsync": "off"}

RUN_POSTGRES = """
import asyncio, sys
from pathlib import Path
import asyncpg
from src.embedded import run_postgres

async def main():
    settings = {"fsync": "off", **dict(each.split("=") for each in sys.argv[2:])}
    async with run_postgres(Path(sys.argv[1]), settings=settings) as url:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)")
        print(await connection.fetchval("SELECT pg_backend_pid()"))
        await asyncio.sleep(60)

asyncio.run(main())
"""


class Server(NamedTuple):
    data_dir: Path
    url: str


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    """One server for the tests that only look at it."""
    data_dir = tmp_path_factory.mktemp("data")
    async with run_postgres(data_dir, settings={**FAST, "listen_addresses": "*"}) as url:
        yield Server(data_dir, url)


async def fetch(url: str, query: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def fetch_after_restart(url: str, query: str) -> object:
    async with asyncio.timeout(60):
        while True:
            try:
                return await fetch(url, query)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await asyncio.sleep(0.02)


def change_login(url: str, user: str, password: str) -> str:
    changed = make_url(url).set(username=user, password=password)
    return changed.render_as_string(hide_password=False)


def get_socket_dir(url: str) -> Path:
    return Path(str(make_url(url).query["host"]))


def read_postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_data_survives_a_restart(tmp_path: Path) -> None:
    async with run_postgres(tmp_path, settings=FAST) as first_url:
        await fetch(first_url, "CREATE TABLE kept AS SELECT 42 AS id")
        pid = read_postmaster_pid(tmp_path)
    assert not is_running(pid)
    async with run_postgres(tmp_path, settings=FAST) as second_url:
        assert await fetch(second_url, "SELECT id FROM kept") == 42
    assert first_url == second_url


async def test_committed_row_survives_the_death_of_this_process(tmp_path: Path) -> None:
    async with run_python(RUN_POSTGRES, tmp_path) as parent:
        await read_line(parent)
        pid = read_postmaster_pid(tmp_path)
        parent.kill()
    await wait_until(lambda: not is_running(pid))
    async with run_postgres(tmp_path, settings=FAST) as url:
        assert await fetch(url, "SELECT id FROM kept") == 42
    assert "database system was interrupted" not in (tmp_path / "postgres.log").read_text()


async def test_start_waits_for_the_server_of_a_process_killed_a_moment_ago(tmp_path: Path) -> None:
    async with run_python(RUN_POSTGRES, tmp_path) as parent:
        await read_line(parent)
        parent.kill()
        async with run_postgres(tmp_path, settings=FAST) as url:
            assert await fetch(url, "SELECT id FROM kept") == 42


async def test_first_start_may_be_killed_half_way(tmp_path: Path) -> None:
    # It stops before the first statement.
    async with run_python(RUN_POSTGRES, tmp_path, "post_auth_delay=600") as parent:
        await wait_until(lambda: find_single_user(parent.pid) is not None)
        orphan = find_single_user(parent.pid)
        assert orphan is not None
        parent.kill()
        await parent.wait()
    assert not (tmp_path / "postgres").exists()
    orphan.kill()
    async with run_postgres(tmp_path, settings=FAST) as url:
        assert await fetch(url, "SELECT 1") == 1
    assert not (tmp_path / "postgres.new").exists()


def find_single_user(parent: int) -> psutil.Process | None:
    """Find the PostgreSQL that makes the role and the database of a new cluster."""
    for child in psutil.Process(parent).children():
        with suppress(psutil.Error):  # It may end while we look.
            if "--single" in child.cmdline():
                return child
    return None


async def test_server_that_is_killed_comes_back_behind_the_same_url(tmp_path: Path) -> None:
    async with run_postgres(tmp_path, settings=FAST) as url:
        await fetch(url, "CREATE TABLE kept AS SELECT 42 AS id")
        killed = read_postmaster_pid(tmp_path)
        os.kill(killed, signal.SIGKILL)
        assert await fetch_after_restart(url, "SELECT id FROM kept") == 42
        assert read_postmaster_pid(tmp_path) != killed


async def test_pid_file_that_names_another_process_is_no_obstacle(tmp_path: Path) -> None:
    folder = tmp_path / "postgres"
    async with run_postgres(tmp_path, settings=FAST):
        stale = (folder / "postmaster.pid").read_text()
    other = await asyncio.create_subprocess_exec(*build_prefix(folder), "sleep", "60")
    (folder / "postmaster.pid").write_text(stale.replace(stale.split()[0], str(other.pid), 1))
    async with run_postgres(tmp_path, settings=FAST) as url:
        assert await fetch(url, "SELECT 1") == 1
    other.kill()
    await other.wait()


async def test_role_owns_its_database_and_nothing_more(server: Server) -> None:
    assert await fetch(server.url, "SELECT current_user") == "colloquy"
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    assert await fetch(server.url, query) is False
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await fetch(server.url, "COPY (SELECT 1) TO PROGRAM 'true'")


@pytest.mark.parametrize("user", ["colloquy", "postgres"])
@pytest.mark.parametrize("password", ["wrong", ""])
async def test_nobody_enters_without_the_password(server: Server, user: str, password: str) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError), match="password"):
        await fetch(change_login(server.url, user, password), "SELECT 1")


async def test_operator_enters_with_the_kept_password(server: Server) -> None:
    password = (server.data_dir / "postgres_superuser_password").read_text()
    url = change_login(server.url, "postgres", password)
    assert await fetch(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True


async def test_server_listens_on_a_private_socket_whatever_the_settings(server: Server) -> None:
    assert await fetch(server.url, "SHOW listen_addresses") == ""
    assert mode_of(get_socket_dir(server.url)) == 0o700
    assert mode_of(get_socket_dir(server.url) / ".s.PGSQL.5432") == 0o700


async def test_clock_is_utc_and_text_is_unicode(server: Server) -> None:
    assert await fetch(server.url, "SHOW timezone") == "UTC"
    assert await fetch(server.url, "SELECT lower('ÉÑÜЖ')") == "éñüж"


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="needs root on Linux")
def test_root_is_dropped_but_for_reaching_the_folders(server: Server) -> None:
    status = Path(f"/proc/{read_postmaster_pid(server.data_dir)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert "0" not in fields["Uid"].split()
    assert {int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapAmb")} == {1 << 1}
    assert fields["NoNewPrivs"] == "1"


async def test_what_is_kept_is_private_and_folders_above_keep_their_modes(tmp_path: Path) -> None:
    parents = [tmp_path / "closed" / "data", *(tmp_path / "closed" / "data").parents]
    (tmp_path / "closed" / "data").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    before = [mode_of(path) for path in parents]
    async with run_postgres(parents[0], settings=FAST):
        kept = {path.name: mode_of(path) for path in parents[0].iterdir() if path.name != "socket"}
    assert [mode_of(path) for path in parents] == before
    assert kept == {
        "postgres": 0o700,
        "postgres.log": 0o600,
        "postgres_password": 0o600,
        "postgres_superuser_password": 0o600,
    }


@pytest.mark.parametrize("name", ["long" * 30, "a space, a comma: and a colon"])
async def test_any_data_dir_will_do(tmp_path: Path, name: str) -> None:
    async with run_postgres(tmp_path / name, settings=FAST) as url:
        assert await fetch(url, "SELECT 1") == 1
        assert mode_of(get_socket_dir(url)) == 0o700
    with pytest.raises(FileNotFoundError):
        mode_of(get_socket_dir(url))


async def test_settings_that_postgres_refuses_name_its_log(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"could not be set up; .*/postgres\.log says why"):
        async with run_postgres(tmp_path, settings={"shared_buffers": "none"}):
            pass
    assert "shared_buffers" in (tmp_path / "postgres.log").read_text()
    async with run_postgres(tmp_path, settings=FAST) as url:
        assert await fetch(url, "SELECT 1") == 1


async def test_lost_password_is_said_so(tmp_path: Path) -> None:
    async with run_postgres(tmp_path, settings=FAST):
        pass
    (tmp_path / "postgres_password").write_text("another")
    with pytest.raises(EmbeddedError, match="refuses the password"):
        async with run_postgres(tmp_path, settings=FAST):
            pass
