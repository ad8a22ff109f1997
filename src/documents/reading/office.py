"""How the parts of an office file refer to each other (ECMA-376, part 2)."""

import posixpath
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from src.documents.reading.archives import Archive, resolve


def get_name(element: Element) -> str:
    """Without its namespace, of which each edition of the standard has its own."""
    return element.tag.rpartition("}")[2]


def get_relation(element: Element, name: str = "id") -> str | None:
    """The attribute of that name that has a namespace: `r:id`, while `id` is a number."""
    found = (value for key, value in element.items() if key.endswith(f"}}{name}"))
    return next(found, None)


def list_relations(archive: Archive, part: str) -> Mapping[str | None, str]:
    """Return the names of the parts that a part refers to, by the ids that it uses for them."""
    folder, base = posixpath.split(part)
    relations = posixpath.join(folder, "_rels", f"{base}.rels")
    if relations not in archive:
        return {}
    return {
        relation.get("Id"): resolve(part, relation.get("Target", ""))
        for relation in archive.read_xml(relations)
        if relation.get("TargetMode") != "External"
    }
