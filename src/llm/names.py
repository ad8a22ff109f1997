"""Model names, compared the way Ollama compares them."""

MAX_MODEL_NAME_LENGTH = 255

_DEFAULT_HOST = "registry.ollama.ai/"
_DEFAULT_NAMESPACE = "library/"


def normalise_model_name(name: str) -> str:
    """Return the one spelling of a name: lower case, with its tag, without the defaults."""
    short = name.strip().lower()
    short = short.removeprefix(_DEFAULT_HOST).removeprefix(_DEFAULT_NAMESPACE)
    has_tag = ":" in short.rpartition("/")[2]
    return short if has_tag else f"{short}:latest"


def model_base_name(name: str) -> str:
    """Return the name without host, namespace and tag, in lower case."""
    return normalise_model_name(name).rpartition("/")[2].partition(":")[0]
