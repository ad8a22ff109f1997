"""Who may work on a document, in which order, and that no work is lost or done twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import pytest

from src.config import Settings
from src.documents.reconciler import Findings
from src.main import create_app, run_worker
from src.operations import open_everything, verify, work
from tests.fixtures.gates import connect, hold_at
from tests.fixtures.models import HARD, MoodyModel, run_moody_api, with_ollama
from tests.fixtures.servers import run_server
from tests.fixtures.users import JSON, User, sign_up

PARTS = [f"Lighthouse {n} is {HARD} to see. " + "Its lamp is lit. " * 90 for n in range(40)]
LONG = "\n\n".join(PARTS)
JOBS = "SELECT count(*) FROM pgqueuer"
LOCKED_OUT = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


@pytest.fixture
async def admin(own: Settings) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(get_url(own))
    yield connection
    await connection.close()


def get_url(settings: Settings) -> str:
    assert settings.database.url is not None
    return settings.database.url.get_secret_value()


def work_in_small_steps(settings: Settings) -> Settings:
    small = settings.documents.model_copy(update={"index_batch_size": 8, "embedding_cache_days": 0})
    return settings.model_copy(update={"documents": small})


def work_never(settings: Settings) -> Settings:
    none = settings.documents.model_copy(update={"worker_concurrency": 0})
    return settings.model_copy(update={"documents": none})


async def send(user: User, text: str, name: str = "a.txt") -> str:
    answer = (await user.upload((name, text.encode()))).json()
    document_id: str = answer["results"][0]["document"]["id"]
    return document_id


async def read(user: User, document_id: str) -> JSON:
    document: JSON = (await user.http.get(f"/documents/{document_id}")).json()
    return document


async def wait_for_count(admin: asyncpg.Connection, count: int, query: str) -> None:
    async with asyncio.timeout(60):
        while await admin.fetchval(query) != count:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def have_in_hand(own: Settings) -> AsyncIterator[tuple[MoodyModel, User, str]]:
    """A document whose embedding the model keeps back; in the end everything has to agree."""
    model = MoodyModel(holds=True)
    async with run_moody_api(work_in_small_steps(own), model) as (_, user):
        document_id = await send(user, LONG)
        await model.is_holding.wait()
        yield model, user, document_id
    assert await verify(own, mend=False) == Findings()


@pytest.mark.parametrize("change", ["title", "reprocess"])
async def test_a_document_that_is_changed_while_it_is_indexed_has_all_its_passages(
    own: Settings, admin: asyncpg.Connection, change: str
) -> None:
    """The second job takes the document over; what the first has in hand is not written."""
    model = MoodyModel()
    async with run_moody_api(work_in_small_steps(own), model) as (_, user):
        document_id = await send(user, LONG)
        await user.wait_for(document_id)
        await wait_for_count(admin, 0, JOBS)
        model.holds = True
        await user.http.patch(f"/documents/{document_id}", json={"title": "Lamps"})
        await model.is_holding.wait()
        if change == "reprocess":
            answer = await user.http.post(f"/documents/{document_id}/reprocess")
            assert answer.status_code == 202
            await wait_for_count(
                admin, 1, "SELECT count(*) FROM documents WHERE step = 'embedding'"
            )
        else:
            await user.http.patch(f"/documents/{document_id}", json={"title": "Lanterns"})
        model.let_go()
        await wait_for_count(admin, 0, JOBS)
        assert (await read(user, document_id))["status"] == "ready"
        assert (change == "title") == ("Lanterns" in model.texts[-1])
    assert await verify(own, mend=False) == Findings()


async def make_ready(admin: asyncpg.Connection) -> None:
    await admin.execute("UPDATE documents SET status = 'ready', collection = 'one'")
    await admin.execute("DELETE FROM pgqueuer")


async def test_two_who_ask_for_a_document_anew_make_one_job(
    own: Settings, admin: asyncpg.Connection
) -> None:
    app = create_app(work_never(own))
    async with run_server(app) as server, sign_up(server.api_url) as user:
        document_id = await send(user, "A lighthouse.")
        await make_ready(admin)
        async with admin.transaction():
            await admin.execute("LOCK TABLE pgqueuer IN EXCLUSIVE MODE")
            path = f"/documents/{document_id}/reprocess"
            asking = [asyncio.create_task(user.http.post(path)) for _ in range(2)]
            await wait_for_count(admin, 2, LOCKED_OUT)
        assert [answer.status_code for answer in await asyncio.gather(*asking)] == [202, 202]
        assert await admin.fetchval(JOBS) == 1


@pytest.mark.parametrize("change", ["reprocess", "title"])
async def test_documents_that_are_done_anew_stand_in_their_users_line(
    own: Settings, admin: asyncpg.Connection, change: str
) -> None:
    app = create_app(work_never(own))
    async with run_server(app) as server, sign_up(server.api_url) as user:
        ids = [await send(user, f"Lighthouse {n}.") for n in range(3)]
        await make_ready(admin)
        for document_id in [*ids, ids[0]]:
            if change == "reprocess":
                await user.http.post(f"/documents/{document_id}/reprocess")
            else:
                title = {"title": f"Lamp of {document_id[-4:]}"}
                await user.http.patch(f"/documents/{document_id}", json=title)
        await user.http.patch(f"/documents/{ids[0]}", json={"title": "Once more"})
    places = await admin.fetch("SELECT priority FROM pgqueuer ORDER BY id")
    assert [place for (place,) in places] == [0, -1, -2]


async def test_a_title_that_is_changed_at_the_last_moment_is_indexed(
    own: Settings, admin: asyncpg.Connection
) -> None:
    async with run_moody_api(own, MoodyModel()) as (_, user):
        async with hold_at(get_url(own), "UPDATE", "documents", "NEW.status = 'ready'") as gate:
            document_id = await send(user, "It shines.")
            await gate.wait_until_reached()
            path = f"/documents/{document_id}"
            changing = asyncio.create_task(user.http.patch(path, json={"title": "Zanzibar"}))
            await wait_for_count(admin, 2, LOCKED_OUT)
        assert (await changing).json()["title"] == "Zanzibar"
        await user.wait_for(document_id)
        await wait_for_count(admin, 0, JOBS)
        assert await user.search("Zanzibar", mode="sparse")


async def test_a_job_that_cannot_even_say_why_it_failed_is_not_lost(
    own: Settings, admin: asyncpg.Connection
) -> None:
    """Nobody gets a connection, but the one that the worker listens on is still there."""
    async with have_in_hand(own) as (model, user, document_id):
        async with shut_out_all_but_the_worker(admin):
            model.let_go()
            await wait_for_count(admin, 0, f"{JOBS} WHERE attempts = 0")
        await user.wait_for(document_id)


@asynccontextmanager
async def shut_out_all_but_the_worker(admin: asyncpg.Connection) -> AsyncIterator[None]:
    name = await admin.fetchval("SELECT current_database()")
    limit = f'ALTER DATABASE "{name}" CONNECTION LIMIT'
    await admin.execute(f"{limit} 0")
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
        " AND pid <> pg_backend_pid() AND query NOT ILIKE '%pgqueuer%'"
    )
    try:
        yield
    finally:
        await admin.execute(f"{limit} -1")


async def test_a_worker_that_loses_its_connection_goes_on_at_once(
    own: Settings, admin: asyncpg.Connection
) -> None:
    """What it had in hand is given to whoever asks next, itself or another."""
    async with have_in_hand(own) as (model, user, document_id):
        ended = await admin.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = current_user"
            " AND pid <> pg_backend_pid() AND query ILIKE '%pgqueuer%'"
        )
        assert ended
        await user.wait_for(await send(user, "An easy one.", "b.txt"))
        assert (await read(user, document_id))["status"] == "processing"
        model.let_go()
        await user.wait_for(document_id)


async def test_a_collection_that_is_dropped_in_the_middle_is_filled_from_the_beginning(
    own: Settings, admin: asyncpg.Connection
) -> None:
    model = MoodyModel(holds=True)
    easy = LONG.replace(HARD, "easy")
    async with run_moody_api(work_never(own), model) as (_, user):
        await send(user, f"{easy}\n\n{easy}\n\n{LONG}")
    async with AsyncExitStack() as stack:
        ollama = await stack.enter_async_context(run_server(model.app))
        settings = with_ollama(work_in_small_steps(own), ollama)
        opened, parts = await stack.enter_async_context(open_everything(settings))
        run_worker(opened, parts)
        await model.is_holding.wait()
        await wait_for_count(admin, 1, "SELECT count(*) FROM documents WHERE chunks_done > 0")
        (name,) = await parts.vectors.list_collections()
        await parts.vectors.drop_collection(name)
        model.let_go()
        await wait_for_count(admin, 0, JOBS)
    assert await verify(own, mend=False) == Findings()


async def test_a_job_that_comes_while_the_worker_stops_is_put_back(
    own: Settings, admin: asyncpg.Connection
) -> None:
    model = MoodyModel(holds=True)
    stopping = asyncio.Event()
    async with run_moody_api(work_never(own), model) as (_, user):
        await send(user, LONG)
    async with run_server(model.app) as ollama:
        working = asyncio.create_task(work(with_ollama(own, ollama), stopping))
        picked = "NEW.status = 'picked'"
        async with hold_at(get_url(own), "UPDATE", "pgqueuer", picked) as gate:
            await gate.wait_until_reached()
            stopping.set()
            await asyncio.sleep(0.2)  # Was it told later, it would only be easier.
        async with asyncio.timeout(60):
            await working
    assert not model.is_holding.is_set()
    assert await admin.fetchval(f"{JOBS} WHERE status = 'queued'") == 1
