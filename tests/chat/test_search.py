import pytest
from hypothesis import given
from hypothesis import strategies as st

from src.chat.schemas import HighlightRead
from src.chat.search import cut_snippet, read_headline
from tests.chat.reading import NO_DOCUMENTS, start, wait_for
from tests.chat.scripted import Script
from tests.fixtures.users import JSON, User


async def search(user: User, q: str, **query: str) -> JSON:
    response = await user.http.get("/chat/search", params={"q": q, **query})
    assert response.status_code == 200, response.text
    page: JSON = response.json()
    return page


def list_highlighted(item: JSON) -> list[str]:
    return [item["snippet"][range_["start"] : range_["end"]] for range_ in item["highlights"]]


async def test_questions_and_answers_are_found(asker: User, script: Script) -> None:
    script.say("A lighthouse stands on the ", "cliff.")
    answer = await asker.ask("Where is the LIGHTHOUSE?", **NO_DOCUMENTS)
    found = (await search(asker, "lighthouse"))["items"]
    assert [item["role"] for item in found] == ["assistant", "user"]
    assert found[0]["message_id"] == answer["message_id"]
    assert found[0]["session_title"] == "Where is the LIGHTHOUSE?"
    assert [list_highlighted(item) for item in found] == [["lighthouse"], ["LIGHTHOUSE"]]
    assert [item["role"] for item in (await search(asker, "lighthouse cliff"))["items"]] == [
        "assistant"
    ]
    assert (await search(asker, '"cliff lighthouse"'))["items"] == []
    assert len((await search(asker, "cliff or where"))["items"]) == 2


async def test_nobody_finds_the_words_of_another(user: User, stranger: User) -> None:
    await user.ask("The treasure is buried under the palm", **NO_DOCUMENTS)
    assert (await search(stranger, "treasure"))["items"] == []
    assert (await search(stranger, user.id))["items"] == []
    assert (await search(stranger, "treasure or palm or -nothing"))["items"] == []
    assert len((await search(user, "treasure"))["items"]) == 1


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script> oasis", "a \x01oasis\x02 & <b>oasis</b>", "o'asis \\ oasis"]
)
async def test_snippets_are_plain_text(user: User, text: str) -> None:
    await user.ask(text, **NO_DOCUMENTS)
    (item,) = (await search(user, "oasis"))["items"]
    assert item["snippet"] == text.replace("\x01", "").replace("\x02", "")
    assert set(list_highlighted(item)) == {"oasis"}


@pytest.mark.parametrize("q", ["!!!", "-", "' OR 1=1", '"', "& | !", "a:*", "é\u2028"])
async def test_odd_queries_find_nothing(user: User, q: str) -> None:
    assert (await search(user, q))["items"] == []


async def test_nul_is_refused(user: User) -> None:
    response = await user.http.get("/chat/search", params={"q": "a\x00b"})
    assert (response.status_code, response.json()["code"]) == (422, "unstorable_value")


async def test_results_are_paged_from_the_newest(user: User) -> None:
    for n in range(5):
        await user.ask(f"turnip {n}", **NO_DOCUMENTS)
    snippets: list[str] = []
    query: dict[str, str] = {"limit": "2"}
    while True:
        page = await search(user, "turnip", **query)
        snippets += [item["snippet"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert snippets == [f"turnip {n}" for n in range(4, -1, -1)]


async def test_an_answer_is_found_once_it_is_over(asker: User, script: Script) -> None:
    script.say("mandrake")
    script.gate.clear()
    started = await start(asker)
    await wait_for(asker, started["message_id"], content="mandrake")
    assert (await search(asker, "mandrake"))["items"] == []
    await asker.http.post(f"/chat/messages/{started['message_id']}/stop")
    assert len((await search(asker, "mandrake"))["items"]) == 1


@given(st.lists(st.tuples(st.text("ab<& ", max_size=5), st.text("xy", min_size=1, max_size=3))))
def test_marks_become_positions(parts: list[tuple[str, str]]) -> None:
    headline = "".join(f"{before}\x01{found}\x02" for before, found in parts)
    snippet, highlights = read_headline(headline)
    assert snippet == "".join(before + found for before, found in parts)
    assert [snippet[h.start : h.end] for h in highlights] == [found for _, found in parts]


@given(st.text("ab ", max_size=500), st.integers(0, 400))
def test_a_snippet_shows_the_first_find(text: str, start: int) -> None:
    text = f"{text[:start]}found{text[start:]}"
    start = text.index("found")
    snippet, (highlight,) = cut_snippet(text, [HighlightRead(start=start, end=start + 5)])
    assert snippet in text
    assert len(snippet) <= 240
    assert snippet[highlight.start : highlight.end] == "found"
