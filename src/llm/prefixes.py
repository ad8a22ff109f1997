"""What an embedding model wants to read before a query and before a passage.

Ollama adds none of this itself. The texts are from the models' own cards.
"""

from dataclasses import dataclass

from src.llm.names import model_base_name


@dataclass(frozen=True, slots=True)
class EmbeddingPrefixes:
    query: str = ""
    document: str = ""


_SEARCH = EmbeddingPrefixes("search_query: ", "search_document: ")
_REPRESENT = EmbeddingPrefixes("Represent this sentence for searching relevant passages: ")
_NONE = EmbeddingPrefixes()

_BY_FAMILY = {
    "nomic-embed-text": _SEARCH,
    "offline-embed": _SEARCH,
    "embeddinggemma": EmbeddingPrefixes("task: search result | query: ", "title: none | text: "),
    "qwen3-embedding": EmbeddingPrefixes(
        "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
        "Query:"
    ),
    "mxbai-embed-large": _REPRESENT,
    "bge-": _REPRESENT,
    "bge-m3": _NONE,
    "snowflake-arctic-embed": _REPRESENT,
    "snowflake-arctic-embed2": EmbeddingPrefixes("query: "),
    "snowflake-arctic-embed-l-v2": EmbeddingPrefixes("query: "),
    "snowflake-arctic-embed-m-v2": EmbeddingPrefixes("query: "),
}


def get_prefixes(model: str) -> EmbeddingPrefixes:
    """Look up a model by the longest family name that its own name starts with."""
    base = model_base_name(model)
    families = [family for family in _BY_FAMILY if base.startswith(family)]
    return _BY_FAMILY[max(families, key=len)] if families else _NONE
