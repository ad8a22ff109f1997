import pytest

from src.llm.prefixes import EmbeddingPrefixes, get_prefixes

REPRESENT = "Represent this sentence for searching relevant passages: "


@pytest.mark.parametrize(
    ("model", "query", "document"),
    [
        ("nomic-embed-text", "search_query: ", "search_document: "),
        ("nomic-embed-text-v2-moe:latest", "search_query: ", "search_document: "),
        ("offline-embed", "search_query: ", "search_document: "),
        ("embeddinggemma:300m", "task: search result | query: ", "title: none | text: "),
        ("mxbai-embed-large", REPRESENT, ""),
        ("qllama/bge-small-en-v1.5", REPRESENT, ""),
        ("bge-m3", "", ""),
        ("snowflake-arctic-embed:335m", REPRESENT, ""),
        ("snowflake-arctic-embed2", "query: ", ""),
        ("all-minilm", "", ""),
        ("something-else", "", ""),
    ],
)
def test_prefixes_follow_the_model_family(model: str, query: str, document: str) -> None:
    assert get_prefixes(model) == EmbeddingPrefixes(query, document)


def test_qwen3_gets_an_instruction() -> None:
    prefixes = get_prefixes("qwen3-embedding:0.6b")
    assert prefixes.query.startswith("Instruct: ")
    assert prefixes.query.endswith("\nQuery:")
    assert prefixes.document == ""
