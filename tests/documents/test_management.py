import asyncio
from collections.abc import AsyncIterator
from urllib.parse import unquote

import pytest

from src.config import DocumentSettings, Settings
from src.embedded import run_postgres
from src.main import create_app
from tests.conftest import make_settings
from tests.fixtures.servers import LoopbackServer, run_server
from tests.fixtures.users import JSON, User, read_events, sign_up


async def list_titles(user: User, query: JSON) -> list[str]:
    """Every page, two by two."""
    titles: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, **query} | ({"cursor": cursor} if cursor else {})
        response = await user.http.get("/documents", params=params)
        assert response.status_code == 200, response.text
        titles += [document["title"] for document in response.json()["items"]]
        cursor = response.json()["next_cursor"]
        if cursor is None:
            return titles


@pytest.fixture
async def library(user: User) -> User:
    """Four documents whose names and sizes are in different orders."""
    for name, text, tags in [
        ("Annual_Report-2024.txt", "aaaa", "work,2024"),
        ("zebra.txt", "a", "animals"),
        ("Übersicht.md", "aaa", "work"),
        ("apple pie.txt", "aa", ""),
    ]:
        await user.upload((name, text.encode()), fields={"tags": tags})
    return user


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"q": "report"}, ["Annual_Report-2024"]),
        ({"q": "rep ann"}, ["Annual_Report-2024"]),
        ({"q": "2024 txt"}, ["Annual_Report-2024"]),
        ({"q": "ÜBER"}, ["Übersicht"]),
        ({"q": "eport"}, []),
        ({"q": "report zebra"}, []),
        ({"q": "' & !:*"}, []),
        ({"tags": "work"}, ["Übersicht", "Annual_Report-2024"]),
        ({"tags": ["animals", "2024"]}, ["zebra", "Annual_Report-2024"]),
        ({"tags": "work", "q": "ann"}, ["Annual_Report-2024"]),
        ({"status": "failed"}, []),
    ],
)
async def test_a_list_is_narrowed(library: User, query: JSON, expected: list[str]) -> None:
    assert await list_titles(library, query) == expected


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("title", ["Annual_Report-2024", "apple pie", "zebra", "Übersicht"]),
        ("size_bytes", ["zebra", "apple pie", "Übersicht", "Annual_Report-2024"]),
        ("created_at", ["Annual_Report-2024", "zebra", "Übersicht", "apple pie"]),
    ],
)
async def test_a_list_is_sorted_page_by_page(library: User, sort: str, expected: list[str]) -> None:
    found = await list_titles(library, {"sort": sort})
    assert sorted(found) == sorted(expected)
    if sort != "title":  # How letters sort is the database's business; that pages agree is ours.
        assert found == expected
    assert await list_titles(library, {"sort": f"-{sort}"}) == found[::-1]


async def test_a_cursor_belongs_to_its_order(library: User) -> None:
    page = (await library.http.get("/documents", params={"limit": 1, "sort": "title"})).json()
    query = {"cursor": page["next_cursor"], "sort": "size_bytes"}
    response = await library.http.get("/documents", params=query)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_cursor")


async def test_fields_change_and_the_rest_stays(user: User) -> None:
    document = await user.add_document("Some words.", description="old", tags="a")
    url = f"/documents/{document['id']}"
    changed = (await user.http.patch(url, json={"tags": ["x", "y", "x"]})).json()
    assert (changed["title"], changed["description"]) == ("notes", "old")
    assert changed["tags"] == ["x", "y"]
    changed = (await user.http.patch(url, json={"description": None})).json()
    assert (changed["description"], changed["tags"]) == (None, ["x", "y"])
    assert (await user.http.get(url)).json() == changed


@pytest.mark.parametrize(
    "body",
    [
        {"title": ""},
        {"title": None},
        {"tags": None},
        {"colour": 1},
        {"title": "\0"},
        {"tags": [""]},
    ],
)
async def test_a_bad_change_is_refused(user: User, body: JSON) -> None:
    document = await user.add_document("Some words.")
    response = await user.http.patch(f"/documents/{document['id']}", json=body)
    assert response.status_code == 422


async def test_searches_follow_changed_tags_and_titles(user: User) -> None:
    document = await user.add_document("The walls are made of brick.", tags="old")
    url = f"/documents/{document['id']}"
    await user.http.patch(url, json={"tags": ["new"], "title": "Krakatoa"})
    async with asyncio.timeout(60):
        while not await user.search("brick walls", tags=["new"]):
            await asyncio.sleep(0.02)
        while not await user.search("Krakatoa", mode="sparse"):
            await asyncio.sleep(0.02)
    assert await user.search("brick walls", tags=["old"]) == []


async def test_a_download_is_the_file(user: User) -> None:
    content = b"<html><script>alert(1)</script><p>words</p></html>"
    response = await user.upload(('naïve "x".html', content))
    document = response.json()["results"][0]["document"]
    got = await user.http.get(f"/documents/{document['id']}/content")
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["etag"] == f'"{document["sha256"]}"'
    # It can be saved, and never becomes a page of ours.
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    disposition = got.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="na_ve ')
    assert unquote(disposition.rpartition("''")[2]) == document["filename"]


@pytest.mark.parametrize(
    ("header", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
        ("bytes=5-4", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
async def test_a_range_of_a_file(
    user: User, header: str, status: int, body: bytes | None, content_range: str | None
) -> None:
    response = await user.upload(("digits.txt", b"0123456789"))
    url = f"/documents/{response.json()['results'][0]['document']['id']}/content"
    got = await user.http.get(url, headers={"Range": header})
    assert (got.status_code, got.headers.get("content-range")) == (status, content_range)
    if body is not None:
        assert got.content == body


async def test_what_a_client_has_is_not_sent_again(user: User) -> None:
    response = await user.upload(("digits.txt", b"0123456789"))
    url = f"/documents/{response.json()['results'][0]['document']['id']}/content"
    etag = (await user.http.get(url)).headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        got = await user.http.get(url, headers={"If-None-Match": known})
        assert (got.status_code, got.content, got.headers["etag"]) == (304, b"", etag)
    assert (await user.http.get(url, headers={"If-None-Match": '"x"'})).status_code == 200
    for validator, status in ((etag, 206), ('"other"', 200)):
        headers = {"Range": "bytes=0-1", "If-Range": validator}
        assert (await user.http.get(url, headers=headers)).status_code == status


async def test_a_file_that_is_gone_is_a_clear_error(user: User, settings: Settings) -> None:
    document = await user.add_document("Soon gone.")
    (settings.data_dir / "files" / user.id / document["id"]).unlink()
    got = await user.http.get(f"/documents/{document['id']}/content")
    assert (got.status_code, got.json()["code"]) == (404, "file_not_found")
    await user.http.post(f"/documents/{document['id']}/reprocess")
    failed = await user.wait_for(document["id"], "failed")
    assert failed["status_code"] == "stored_file_missing"


async def test_progress_is_followed_to_the_end(user: User) -> None:
    text = "\n\n".join(f"Paragraph {n} has its words. " * 40 for n in range(100))
    response = await user.upload(("long.txt", text.encode()))
    document_id = response.json()["results"][0]["document"]["id"]
    got = await user.http.get(f"/documents/{document_id}/events")
    assert got.headers["content-type"].startswith("text/event-stream")
    events = read_events(got.text)
    assert {event.type for event in events[:-1]} <= {"document.progress"}
    assert events[-1].type == "document.ready"
    done = [event.data["document"]["chunks_done"] for event in events]
    assert done == sorted(done)
    assert done[-1] == events[-1].data["document"]["chunks_total"] > 50
    again = read_events((await user.http.get(f"/documents/{document_id}/events")).text)
    assert [event.type for event in again] == ["document.ready"]


@pytest.fixture(scope="module")
async def idle_server(
    offline_models: LoopbackServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[LoopbackServer]:
    """One that processes nothing, with a queue of its own, so that nobody else does either."""
    data_dir = tmp_path_factory.mktemp("idle")
    limits = DocumentSettings(
        worker_concurrency=0, max_documents_per_user=3, max_bytes_per_user=100
    )
    async with run_postgres(data_dir, settings={"fsync": "off"}) as url:
        settings = make_settings(url, offline_models.url, data_dir)
        app = create_app(settings.model_copy(update={"documents": limits}))
        async with run_server(app) as server:
            yield server


@pytest.fixture
async def idle(idle_server: LoopbackServer) -> AsyncIterator[User]:
    """Somebody who may have 3 documents or 100 bytes."""
    async with sign_up(idle_server.api_url) as user:
        yield user


async def test_following_ends_when_the_document_is_deleted(idle: User) -> None:
    response = await idle.upload(("a.txt", b"words"))
    document_id = response.json()["results"][0]["document"]["id"]
    types = []
    async with idle.http.stream("GET", f"/documents/{document_id}/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                types.append(line.removeprefix("event: "))
                await idle.http.delete(f"/documents/{document_id}")
    assert types == ["document.progress", "document.deleted"]


async def test_quotas_hold_when_uploads_race(idle: User) -> None:
    responses = await asyncio.gather(
        *(idle.upload((f"{n}.txt", f"text {n}".encode())) for n in range(8))
    )
    assert sorted(response.status_code for response in responses) == [202] * 3 + [409] * 5
    assert {r.json()["code"] for r in responses if r.status_code == 409} == {"quota_exceeded"}
    usage = (await idle.http.get("/documents/usage")).json()
    limits = {"max_documents": 3, "max_bytes": 100}
    assert usage == {"documents": 3, "size_bytes": 18, **limits}


async def test_a_quota_counts_bytes_and_what_is_deleted_is_free_again(idle: User) -> None:
    response = await idle.upload(("a.txt", b"a" * 60), ("b.txt", b"b" * 60), ("c.txt", b"c" * 40))
    codes = [r["error"] and r["error"]["code"] for r in response.json()["results"]]
    assert codes == [None, "quota_exceeded", None]
    again = await idle.upload(("a.txt", b"a" * 60))
    assert again.json()["results"][0]["is_existing"]
    document_id = again.json()["results"][0]["document"]["id"]
    assert (await idle.upload(("d.txt", b"d"))).status_code == 409
    assert (await idle.http.delete(f"/documents/{document_id}")).status_code == 204
    assert (await idle.upload(("d.txt", b"d" * 60))).status_code == 202
    assert (await idle.http.get("/documents/usage")).json()["size_bytes"] == 100


async def test_uploads_and_deletions_at_once_never_lose_count(idle: User) -> None:
    async def come_and_go(n: int) -> None:
        for _ in range(5):
            response = await idle.upload((f"{n}.txt", f"text {n}".encode()))
            assert response.status_code == 202, response.text
            document_id = response.json()["results"][0]["document"]["id"]
            await asyncio.gather(*[idle.http.delete(f"/documents/{document_id}")] * 1)

    await asyncio.gather(*(come_and_go(n) for n in (1, 2, 3)))
    assert (await idle.http.get("/documents/usage")).json()["documents"] == 0


async def upload_with_key(user: User, key: str, content: bytes) -> tuple[int, JSON]:
    response = await user.http.post(
        "/documents",
        files=[("files", ("a.txt", content))],
        headers={"Idempotency-Key": key},
    )
    return response.status_code, response.json()


async def test_a_retried_upload_gets_the_first_answer(idle: User) -> None:
    answers = await asyncio.gather(*(upload_with_key(idle, "k1", b"words") for _ in range(4)))
    assert all(answer == answers[0] for answer in answers)
    document = answers[0][1]["results"][0]
    assert not document["is_existing"]
    await idle.http.delete(f"/documents/{document['document']['id']}")
    assert await upload_with_key(idle, "k1", b"words") == answers[0]
    assert (await idle.http.get("/documents")).json()["items"] == []
    status, problem = await upload_with_key(idle, "k1", b"other words")
    assert (status, problem["code"]) == (409, "idempotency_key_reused")


async def test_formats_are_listed(user: User) -> None:
    listed = (await user.http.get("/documents/formats")).json()
    named = {name: f["media_type"] for f in listed["formats"] for name in f["extensions"]}
    assert named[".pdf"] == "application/pdf"
    assert named[".md"] == "text/markdown"
    assert len(named) > 20
