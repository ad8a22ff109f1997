"""A server that dies in the middle of an answer, and the one that is started after it."""

from pathlib import Path

import httpx

from tests.chat.reading import ask_stream, read_some, wait_for
from tests.chat.scripted import Script, create_scripted_app
from tests.fixtures.processes import run_colloquy
from tests.fixtures.servers import run_server
from tests.fixtures.users import User, sign_up


async def start_kept_call(url: str, user: User) -> str:
    """Call OpenAI's API for a chat of the user, leave its stream open; return the answer's id."""
    chat = (await user.http.post("/chat/sessions", json={})).json()
    body = {"model": "scripted", "messages": [{"role": "user", "content": "Well?"}]}
    request = user.http.build_request(
        "POST",
        f"{url}/v1/chat/completions",
        json=body | {"stream": True},
        headers={"X-Colloquy-Session": chat["id"]},
    )
    await user.http.send(request, stream=True)
    page = (await user.http.get(f"/chat/sessions/{chat['id']}/messages")).json()
    answer_id: str = page["items"][1]["id"]
    return answer_id


async def test_a_killed_server_loses_little_of_an_answer(database_url: str, tmp_path: Path) -> None:
    script = Script()
    script.say("Half of it")
    async with run_server(create_scripted_app(script)) as models:
        environment = {
            "DATABASE_URL": database_url,
            "OLLAMA_URL": models.url,
            "OLLAMA_CHAT_MODEL": "scripted",
            "AUTH_SECRET_KEY": "a secret that outlives the process",
            "DOCUMENTS_WORKER_CONCURRENCY": "0",
        }
        async with (
            run_colloquy(tmp_path / "data", **environment) as first,
            sign_up(first.api_url) as user,
        ):
            async with ask_stream(user) as response:
                started = (await read_some(response, 2))[0].data
            await wait_for(user, started["message_id"], content="Half of it")
            kept = await start_kept_call(first.url, user)
            await wait_for(user, kept, content="Half of it")
            await first.kill()
        async with (
            run_colloquy(tmp_path / "data", **environment) as second,
            httpx.AsyncClient(
                base_url=second.api_url,
                headers=dict(user.http.headers),
                trust_env=False,
                timeout=100,
            ) as http,
        ):
            again = User(user.id, user.username, user.token, http)
            answer = await wait_for(again, started["message_id"], status="interrupted")
            assert answer["content"] == "Half of it"
            question = (await http.get(f"/chat/messages/{answer['parent_id']}")).json()
            assert question["content"] == "Well?"
            assert (await wait_for(again, kept, status="interrupted"))["content"] == "Half of it"
            script.gate.set()
            address = f"/chat/messages/{answer['id']}"
            regenerated = await http.post(f"{address}/regenerate")
            assert regenerated.json()["status"] == "completed"
            told = await http.get(f"{address}/stream")
            assert '"status":"interrupted"' in told.text
