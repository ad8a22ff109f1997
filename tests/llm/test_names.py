import pytest

from src.llm.names import model_base_name, normalise_model_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("Llama3.2:3B", "llama3.2:3b"),
        ("library/llama3.2", "llama3.2:latest"),
        ("registry.ollama.ai/library/llama3.2", "llama3.2:latest"),
        ("someone/model", "someone/model:latest"),
        ("localhost:5000/someone/model", "localhost:5000/someone/model:latest"),
        ("hf.co/org/Model-GGUF:Q4_K_M", "hf.co/org/model-gguf:q4_k_m"),
        (" qwen3 ", "qwen3:latest"),
    ],
)
def test_normalise_model_name(name: str, expected: str) -> None:
    assert normalise_model_name(name) == expected
    assert normalise_model_name(expected) == expected


def test_base_name_has_neither_place_nor_tag() -> None:
    assert model_base_name("hf.co/org/BGE-m3:f16") == "bge-m3"
