"""Back up a server of one machine, lose its folder, and restore it, as docs/backup.md says."""

import shutil
import subprocess
from pathlib import Path

import httpx

from tests.fixtures.processes import run_colloquy
from tests.fixtures.users import User, bearer, sign_up

TEXT = "The lighthouse of Alexandria was built by Sostratus of Cnidus."


def archive(*arguments: str | Path) -> None:
    subprocess.run(["tar", *arguments], check=True)  # noqa: S603, S607, what the guide says to type


async def test_a_copy_of_the_folder_is_a_whole_backup(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup.tar"
    async with run_colloquy(data) as colloquy, sign_up(colloquy.api_url) as user:
        document = await user.add_document(TEXT)
        answer = await user.ask("Who built the lighthouse?")
        assert await colloquy.stop() == 0
    archive("--create", "--file", backup, "--directory", tmp_path, "data")
    shutil.rmtree(data)
    archive("--extract", "--same-permissions", "--file", backup, "--directory", tmp_path)
    async with (
        run_colloquy(data) as colloquy,
        httpx.AsyncClient(
            base_url=colloquy.api_url, headers=bearer(user.token), trust_env=False, timeout=100
        ) as http,
    ):
        again = User(user.id, user.username, user.token, http)
        assert [each["document_id"] for each in await again.search("lighthouse")] == [
            document["id"]
        ]
        assert (await http.get(f"/documents/{document['id']}/content")).text == TEXT
        message = (await http.get(f"/chat/messages/{answer['message_id']}")).json()
        assert message["content"] == answer["answer"]
        assert (await again.log_in())["token_type"] == "bearer"
        assert await colloquy.stop() == 0
