"""Accounts on a machine of somebody's own: the first administrator, and what the log tells."""

import asyncio
import os
import sys
from pathlib import Path

import httpx

from tests.fixtures.processes import ROOT, run_colloquy
from tests.fixtures.users import bearer

PASSWORD = "a first password 1"
FIRST_ADMIN = {
    "AUTH_FIRST_ADMIN_USERNAME": "root",
    "AUTH_FIRST_ADMIN_EMAIL": "root@example.org",
    "AUTH_FIRST_ADMIN_PASSWORD": PASSWORD,
}


async def create_admin(
    data_dir: Path, name: str, password: str = PASSWORD, email: str = "root@example.org"
) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "src.cli", "create-admin", name, email),
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(data_dir)},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(f"{password}\n".encode())
    assert process.returncode is not None
    return process.returncode, output.decode()


async def test_an_administrator_can_be_made_on_the_command_line(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    code, output = await create_admin(data_dir, "root", "weak")
    assert code == 1
    assert "password" in output
    assert "weak" not in output
    assert "Traceback" not in output
    assert (await create_admin(data_dir, "root"))[0] == 0
    code, output = await create_admin(data_dir, "ROOT", email="other@example.org")
    assert (code, output.splitlines()[-1]) == (1, "This user name is taken.")
    async with run_colloquy(data_dir) as colloquy:
        async with httpx.AsyncClient(
            base_url=colloquy.api_url, trust_env=False, timeout=100
        ) as http:
            form = {"username": "root", "password": PASSWORD}
            tokens = (await http.post("/auth/token", data=form)).json()
            users = await http.get("/auth/users", headers=bearer(tokens["access_token"]))
            assert [user["role"] for user in users.json()["items"]] == ["admin"]
        code, output = await create_admin(data_dir, "second")
        assert code == 1
        assert "in use" in output
        assert await colloquy.stop() == 0


async def test_a_first_administrator_by_settings_and_a_log_without_secrets(
    tmp_path: Path,
) -> None:
    settings = FIRST_ADMIN | {"LOG_LEVEL": "DEBUG"}
    async with run_colloquy(tmp_path / "data", **settings) as colloquy:
        async with httpx.AsyncClient(
            base_url=colloquy.api_url, trust_env=False, timeout=100
        ) as http:
            form = {"username": "root", "password": PASSWORD}
            tokens = (await http.post("/auth/token", data=form)).json()
            headers = bearer(tokens["access_token"])
            body = {"name": "a program", "scopes": ["chat"]}
            key = (await http.post("/auth/api-keys", json=body, headers=headers)).json()["key"]
            secrets = [PASSWORD, "a wrong guess 1", "cr_made_up", "cq_made_up", key]
            secrets += [tokens["access_token"], tokens["refresh_token"]]
            await http.post("/auth/token", data=form | {"password": "a wrong guess 1"})
            for token in (tokens["refresh_token"], tokens["refresh_token"], "cr_made_up"):
                await http.post("/auth/refresh", json={"refresh_token": token})
            for credential in (key, "cq_made_up", tokens["access_token"]):
                await http.get("/auth/me", headers=bearer(credential))
                await http.get("/auth/me", headers={"X-API-Key": credential})
            await http.post("/auth/register", json={"username": "x", "password": PASSWORD})
        assert await colloquy.stop() == 0
        assert "/auth/refresh" in colloquy.log
        assert [secret for secret in secrets if secret in colloquy.log] == []
