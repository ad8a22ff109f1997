"""How a passage reads to the models that index it. Pure."""


def compose_passage(title: str, heading: str | None, text: str) -> str:
    """Put the passage into its context: the words of a title often stand nowhere in its text."""
    lines = [title]
    if heading and heading != title:
        lines.append(heading)
    return "\n".join([*lines, text])
