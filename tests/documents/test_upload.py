import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from obstore.store import LocalStore
from sqlalchemy import Engine, event

from src.config import Settings
from src.database import create_engine
from src.documents.exceptions import MalformedUploadError
from src.documents.receiving import UploadReceiver
from src.documents.storage import FileStorage
from src.main import create_app
from src.statements import Statements
from tests.fixtures.servers import run_server, wait_until
from tests.fixtures.users import JSON, User, sign_up

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077 53de".replace(" ", "")
)


def list_stored(settings: Settings, user: User) -> list[Path]:
    return list_files(settings.data_dir / "files" / user.id)


def list_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def list_whole(settings: Settings, user: User) -> list[Path]:
    """Without what is still being written."""
    return [path for path in list_stored(settings, user) if "#" not in path.name]


async def test_an_upload_becomes_ready(user: User) -> None:
    document = await user.add_document("# Rivers\n\nThe Rhine flows north.", "rivers.md")
    assert document["title"] == "rivers"
    assert document["media_type"] == "text/markdown"
    assert document["chunks_done"] == document["chunks_total"] == 1
    chunks = (await user.http.get(f"/documents/{document['id']}/chunks")).json()
    assert "The Rhine flows north." in chunks["items"][0]["text"]
    assert chunks["next_ordinal"] is None


async def test_the_fields_of_an_upload_may_come_in_any_order(user: User) -> None:
    boundary = "xx"
    parts = [
        ("files", 'filename="a.txt"', "About the moon."),
        ("title", "", "  The Moon "),
        ("tags", "", '["sky", "sky", " night "]'),
        ("description", "", "What we know"),
    ]
    body = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; {extra}\r\n\r\n{value}\r\n'
        for name, extra, value in parts
    )
    response = await user.http.post(
        "/documents",
        content=f"{body}--{boundary}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert response.status_code == 202
    document = response.json()["results"][0]["document"]
    assert document["title"] == "The Moon"
    assert document["tags"] == ["sky", "night"]
    assert document["description"] == "What we know"


async def test_the_same_bytes_again_are_the_same_document(user: User, settings: Settings) -> None:
    first = await user.add_document("The same.", "one.txt")
    response = await user.upload(("two.txt", b"The same."), ("three.txt", b"The same."))
    results = response.json()["results"]
    assert [result["is_existing"] for result in results] == [True, True]
    assert {result["document"]["id"] for result in results} == {first["id"]}
    assert len(list_stored(settings, user)) == 1


async def test_the_same_bytes_at_the_same_moment_are_one_document(
    user: User, settings: Settings
) -> None:
    responses = await asyncio.gather(
        *(user.upload((f"{n}.txt", b"All at once.")) for n in range(8))
    )
    results = [response.json()["results"][0] for response in responses]
    assert len({result["document"]["id"] for result in results}) == 1
    assert [result["is_existing"] for result in results].count(False) == 1
    assert len(list_stored(settings, user)) == 1


async def test_the_statements_of_an_upload_are_the_same_for_any_number_of_files(
    user: User,
) -> None:
    """One whose text grew with the files would be compiled each time, while everybody waits."""

    async def record(count: int) -> set[str]:
        sent: set[str] = set()

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            if "sha256" in statement:
                sent.add(statement)

        event.listen(Engine, "before_cursor_execute", note)
        files = [(f"{n}.txt", f"Buoy {n} of {count}.".encode()) for n in range(count)]
        response = await user.upload(*files)
        event.remove(Engine, "before_cursor_execute", note)
        assert len(response.json()["results"]) == count
        return sent

    for_two = await record(2)
    assert len(for_two) == 2, "one finds what is known, one writes what is new"
    assert await record(9) == for_two


async def test_two_users_have_documents_of_their_own(user: User, stranger: User) -> None:
    mine = await user.add_document("Shared words.", "a.txt")
    theirs = await stranger.add_document("Shared words.", "a.txt")
    assert mine["id"] != theirs["id"]


@pytest.mark.parametrize(
    ("filename", "content", "status", "code"),
    [
        ("empty.txt", b"", 422, "file_empty"),
        ("image.pdf", PNG, 415, "unsupported_media_type"),
        ("program.md", b"\x7fELF\x02\x01\x01" + bytes(200), 415, "unsupported_media_type"),
    ],
)
async def test_a_file_that_is_no_document_is_refused(
    user: User, settings: Settings, filename: str, content: bytes, status: int, code: str
) -> None:
    response = await user.upload((filename, content))
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert list_stored(settings, user) == []
    assert (await user.http.get("/documents")).json()["items"] == []


async def test_of_many_files_each_stands_for_itself(user: User, settings: Settings) -> None:
    response = await user.upload(
        ("empty.txt", b""), ("good.txt", b"Good words."), ("image.png", PNG)
    )
    assert response.status_code == 202
    results = response.json()["results"]
    assert [result["filename"] for result in results] == ["empty.txt", "good.txt", "image.png"]
    codes = [result["error"] and result["error"]["code"] for result in results]
    assert codes == ["file_empty", None, "unsupported_media_type"]
    assert len(list_stored(settings, user)) == 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\boot.txt", "boot.txt"),
        ("/abs/olute.txt", "olute.txt"),
        ("...", "untitled"),
        ("line\nbreak\x00.txt", "linebreak.txt"),
        ("ünï©ode 漢字.txt", "ünï©ode 漢字.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
    ],
)
async def test_a_file_name_is_a_name_and_never_a_path(user: User, name: str, kept: str) -> None:
    boundary = "xx"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").replace("\x00", "")
    disposition = f'Content-Disposition: form-data; name="files"; filename="{escaped}"'
    body = f"--{boundary}\r\n{disposition}\r\n\r\n{kept}\r\n--{boundary}--\r\n"
    response = await user.http.post(
        "/documents",
        content=body.encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert response.status_code == 202, response.text
    got = response.json()["results"][0]["filename"]
    assert got.replace(" ", "") == kept.replace(" ", "")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"title": "x" * 201}, "invalid_upload_field"),
        ({"tags": "t" * 51}, "invalid_upload_field"),
        ({"tags": "[broken"}, "invalid_upload_field"),
        ({"tags": "[" * 16_000}, "invalid_upload_field"),
        ({"tags": "[null]"}, "invalid_upload_field"),
        ({"colour": "red"}, "invalid_upload_field"),
        ({"description": "d" * 20_000}, "invalid_upload_field"),
    ],
)
async def test_a_bad_field_refuses_the_upload_and_stores_nothing(
    user: User, settings: Settings, fields: dict[str, str], code: str
) -> None:
    response = await user.upload(("a.txt", b"Some words."), fields=fields)
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert list_stored(settings, user) == []


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/json", b"{}", 400),
        ("multipart/form-data", b"", 400),
        ("multipart/form-data; boundary=xx", b"", 400),
        ("multipart/form-data; boundary=xx", b"garbage", 400),
        (f"multipart/form-data; boundary={'x' * 257}", b"", 400),
        (
            "multipart/form-data; boundary=xx",
            b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\ncut',
            400,
        ),
        (
            "multipart/form-data; boundary=xx",
            b"--xx\r\nContent-Disposition: form-data\r\n\r\nx\r\n--xx--\r\n",
            400,
        ),
        (
            "multipart/form-data; boundary=xx",
            b'--xx\r\nContent-Disposition: form-data; name="title"\r\n\r\nx\r\n--xx--\r\n',
            422,
        ),
    ],
)
async def test_what_is_no_upload_is_refused(
    user: User, settings: Settings, content_type: str, body: bytes, status: int
) -> None:
    response = await user.http.post(
        "/documents", content=body, headers={"Content-Type": content_type}
    )
    assert response.status_code == status, response.text
    assert list_stored(settings, user) == []


async def test_nothing_is_taken_of_what_follows_a_broken_part(
    settings: Settings, tmp_path: Path
) -> None:
    assert settings.database.url is not None
    engine = create_engine(settings.database.url.get_secret_value(), settings.database)
    storage = FileStorage(LocalStore(tmp_path))
    receiver = UploadReceiver(storage, Statements(engine), settings.documents)

    async def body() -> AsyncIterator[bytes]:
        yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\nwords'
        yield b"\r\n--xx\r\nno header\r\n\r\nwords"
        yield b'\r\n--xx\r\nContent-Disposition: form-data; name="files"; filename="b"\r\n\r\n'
        yield b"words\r\n--xx--\r\n"

    with pytest.raises(MalformedUploadError):
        await receiver.receive(uuid4(), body(), b"xx")
    assert list_files(tmp_path) == []
    await engine.dispose()


async def test_an_upload_may_be_larger_than_other_requests(user: User) -> None:
    response = await user.upload(("large.txt", b"large " * 500_000))
    assert response.status_code == 202


@asynccontextmanager
async def run_idle(
    settings: Settings, name: str, **limits: int
) -> AsyncIterator[tuple[User, Settings]]:
    """A user of a server with such limits, which processes nothing."""
    documents = settings.documents.model_copy(update=limits | {"worker_concurrency": 0})
    changed = settings.model_copy(
        update={"documents": documents, "data_dir": settings.data_dir / name}
    )
    async with run_server(create_app(changed)) as server, sign_up(server.api_url) as user:
        yield user, changed


@pytest.fixture
async def small(settings: Settings) -> AsyncIterator[tuple[User, Settings]]:
    """A user of a server that takes files of up to 100,000 bytes, and two at once."""
    async with run_idle(settings, "small", max_bytes=100_000, max_files=2) as parts:
        yield parts


async def test_a_file_over_the_limit_is_refused(small: tuple[User, Settings]) -> None:
    user, settings = small
    response = await user.upload(("big.txt", b"a" * 100_001))
    assert (response.status_code, response.json()["code"]) == (413, "file_too_large")
    assert "100,000 bytes" in response.json()["detail"]
    assert list_stored(settings, user) == []
    fits = await user.upload(("fits.txt", b"a" * 100_000))
    assert fits.status_code == 202


async def test_a_file_over_the_limit_does_not_spoil_the_next_one(
    small: tuple[User, Settings],
) -> None:
    user, _ = small
    response = await user.upload(("big.txt", b"a" * 150_000), ("small.txt", b"fine"))
    assert [result["error"] is None for result in response.json()["results"]] == [False, True]


async def test_an_upload_that_never_ends_is_cut_off(small: tuple[User, Settings]) -> None:
    user, settings = small
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        while sent < 100_000_000:
            sent += 50_000
            yield b"a" * 50_000

    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    try:
        response = await user.http.post("/documents", content=body(), headers=headers)
        assert response.status_code == 413
    except (httpx.WriteError, httpx.ReadError):
        pass  # The server closed the connection while we were still sending.
    assert sent < 20_000_000
    assert list_stored(settings, user) == []


async def test_too_many_fields_are_refused(user: User) -> None:
    response = await user.http.post(
        "/documents", files=[("tags", (None, "tag"))] * 60 + [("files", ("a.txt", b"words"))]
    )
    assert (response.status_code, response.json()["code"]) == (422, "invalid_upload_field")


async def test_too_many_files_are_refused_together(small: tuple[User, Settings]) -> None:
    user, settings = small
    response = await user.upload(*((f"{n}.txt", f"text {n}".encode()) for n in range(3)))
    assert (response.status_code, response.json()["code"]) == (422, "too_many_files")
    assert list_stored(settings, user) == []


async def test_an_upload_whose_sender_vanishes_leaves_nothing(
    user: User, settings: Settings
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b'--xx\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(50):
            yield b"words " * 10_000
        raise ConnectionResetError

    headers = {"Content-Type": "multipart/form-data; boundary=xx"}
    with pytest.raises(ConnectionResetError):
        await user.http.post("/documents", content=body(), headers=headers)
    async with asyncio.timeout(60):
        while list_stored(settings, user):
            await asyncio.sleep(0.01)
    assert (await user.http.get("/documents")).json()["items"] == []


@contextmanager
def break_storage(settings: Settings, user: User) -> Iterator[None]:
    """Put a file where the files of a user are, so that nothing can be written there."""
    folder = settings.data_dir / "files" / user.id
    aside = folder.rename(folder.with_suffix(".aside"))
    folder.write_bytes(b"")
    yield
    folder.unlink()
    aside.rename(folder)


async def test_a_retry_while_the_storage_is_away_gets_the_first_answer(
    small: tuple[User, Settings],
) -> None:
    user, settings = small

    async def upload() -> httpx.Response:
        files = [("files", ("a.txt", b"words"))]
        return await user.http.post("/documents", files=files, headers={"Idempotency-Key": "k"})

    first = await upload()
    with break_storage(settings, user):
        again = await upload()
    assert (again.status_code, again.json()) == (first.status_code, first.json())


async def test_an_upload_that_met_a_passing_error_does_not_use_its_key_up(
    small: tuple[User, Settings],
) -> None:
    user, settings = small
    headers = {"Content-Type": "multipart/form-data; boundary=xx", "Idempotency-Key": "k"}
    one, other = (
        b"--xx\r\nContent-Disposition: form-data; "
        b'name="files"; filename="%b.txt"\r\n\r\n%b\r\n' % (name, name)
        for name in (b"one", b"other")
    )
    stack = ExitStack()

    async def body() -> AsyncIterator[bytes]:
        yield one + b"--xx\r\n"
        await wait_until(lambda: len(list_whole(settings, user)) == 1)
        stack.enter_context(break_storage(settings, user))
        yield other.removeprefix(b"--xx\r\n") + b"--xx--\r\n"

    with stack:
        first = await user.http.post("/documents", content=body(), headers=headers)
    assert first.status_code == 202, first.text
    codes = [result["error"] and result["error"]["code"] for result in first.json()["results"]]
    assert codes == [None, "storage_unavailable"]
    whole = one + other + b"--xx--\r\n"
    second = await user.http.post("/documents", content=whole, headers=headers)
    assert second.status_code == 202, second.text
    assert [result["is_existing"] for result in second.json()["results"]] == [True, False]
    third = await user.http.post("/documents", content=whole, headers=headers)
    assert third.json() == second.json()


async def test_what_a_user_may_not_keep_is_not_stored_meanwhile(settings: Settings) -> None:
    contents = {"big.txt": b"b" * 2_000_000, "known.txt": b"k" * 60, "new.txt": b"n" * 40}
    whole = b"".join(
        b'--xx\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n\r\n%b\r\n'
        % (name.encode(), content)
        for name, content in contents.items()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=xx", "Idempotency-Key": "k"}
    limits = {"max_documents_per_user": 2, "max_bytes_per_user": 100}
    async with run_idle(settings, "poor", **limits) as (user, changed):
        await user.upload(("known.txt", contents["known.txt"]))
        seen: list[list[int]] = []

        def list_sizes() -> list[int]:
            sizes: list[int] = []
            for path in list_whole(changed, user):
                with suppress(FileNotFoundError):  # A copy of what is known stays for a moment.
                    sizes.append(path.stat().st_size)
            return sorted(sizes)

        async def body() -> AsyncIterator[bytes]:
            yield whole + b"--xx\r\n"
            await wait_until(lambda: 40 in list_sizes())
            seen.append(list_sizes())
            yield b'Content-Disposition: form-data; name="tags"\r\n\r\n\r\n--xx--\r\n'

        first = await user.http.post("/documents", content=body(), headers=headers)
        codes = [result["error"] and result["error"]["code"] for result in first.json()["results"]]
        assert codes == ["quota_exceeded", None, None]
        assert seen == [[40, 60]]
        assert len(list_stored(changed, user)) == 2
        again = await user.http.post("/documents", content=whole + b"--xx--\r\n", headers=headers)
        assert again.json() == first.json()


async def test_documents_are_paged_from_the_newest(user: User) -> None:
    for n in range(5):
        await user.upload((f"{n}.txt", f"Text number {n}.".encode()))
    titles, cursor = [], None
    while True:
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page: JSON = (await user.http.get("/documents", params=query)).json()
        titles += [document["title"] for document in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert titles == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MjAyNi0wMS0wMXwx", "é", "a" * 201])
async def test_a_cursor_that_nobody_made_is_refused(user: User, cursor: str) -> None:
    response = await user.http.get("/documents", params={"cursor": cursor})
    assert response.status_code == 422


async def test_a_deleted_document_is_gone_everywhere(user: User, settings: Settings) -> None:
    document = await user.add_document("Zanzibar has a harbour.", "zanzibar.txt")
    assert await user.search("harbour of Zanzibar")
    assert (await user.http.delete(f"/documents/{document['id']}")).status_code == 204
    assert await user.search("harbour of Zanzibar") == []
    assert (await user.http.get(f"/documents/{document['id']}")).status_code == 404
    assert (await user.http.delete(f"/documents/{document['id']}")).status_code == 404
    async with asyncio.timeout(60):
        while list_stored(settings, user):
            await asyncio.sleep(0.02)


async def test_a_bad_id_is_a_clear_error(user: User) -> None:
    response = await user.http.get("/documents/not-a-uuid")
    assert response.status_code == 422
    assert response.json()["errors"][0]["location"] == "path.document_id"


async def test_malformed_json_is_a_clear_error(user: User) -> None:
    response = await user.http.post(
        "/documents/search", content=b'{"query": ', headers={"Content-Type": "application/json"}
    )
    assert (response.status_code, response.json()["code"]) == (422, "malformed_json")
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(response.content)["request_id"] == response.headers["x-request-id"]
