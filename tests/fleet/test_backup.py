"""Back up a fleet, lose everything, and restore it, as docs/backup.md says."""

import asyncio
import shutil
from pathlib import Path

import httpx
import pytest

from tests.fixtures.users import User
from tests.fleet.fleet import Fleet, wait_until_idle
from tests.fleet.parts import require_program

pytestmark = pytest.mark.timeout(600)

KEPT = "The lighthouse of Alexandria was built by Sostratus of Cnidus."
LATE = "The lighthouse of Ostia was built by the emperor Claudius."
WIPE = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


async def run(program: str, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(require_program(program), *arguments),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()


async def test_what_was_backed_up_is_there_after_everything_was_lost(
    fleet: Fleet, user: User, tmp_path: Path
) -> None:
    """The dump comes before the files: whatever a row names is then among them."""
    kept = await user.add_document(KEPT, "alexandria.md")
    answer = await user.ask("Who built the lighthouse of Alexandria?")
    files, dump = fleet.folder / "files", tmp_path / "colloquy.dump"
    await run("pg_dump", "--format=custom", f"--file={dump}", fleet.database_url)
    late = await user.add_document(LATE, "ostia.md")  # In the files, but not in the dump.
    await asyncio.to_thread(shutil.copytree, files, tmp_path / "files")

    for part in (*fleet.apis, *fleet.workers, fleet.vectors):
        await part.kill()
    await run("psql", "--quiet", f"--command={WIPE}", fleet.database_url)
    await asyncio.to_thread(shutil.rmtree, files)

    await run("pg_restore", "--no-owner", f"--dbname={fleet.database_url}", str(dump))
    await asyncio.to_thread(shutil.copytree, tmp_path / "files", files)
    await fleet.vectors.start()  # Empty: its vectors come from the passages in the database.
    code, found = await fleet.run("verify", "--mend")
    assert code == 0, found
    await asyncio.gather(*(part.start() for part in (*fleet.apis, *fleet.workers)))

    await user.wait_for(kept["id"], seconds=120)
    await wait_until_idle(fleet)
    passages = await user.search("Who built the lighthouse?")
    assert [passage["document_id"] for passage in passages] == [kept["id"]]
    assert (await user.http.get(f"/documents/{kept['id']}/content")).text == KEPT
    assert (await user.http.get(f"/documents/{late['id']}")).status_code == 404
    message = (await user.http.get(f"/chat/messages/{answer['message_id']}")).json()
    assert message["content"] == answer["answer"]
    assert await log_in_again(fleet, user) == 200
    code, found = await fleet.run("verify")
    assert code == 0, found


async def log_in_again(fleet: Fleet, user: User) -> int:
    tokens = await user.log_in()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    async with httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as http:
        return (await http.get(f"{fleet.apis[1].api_url}/auth/me")).status_code
