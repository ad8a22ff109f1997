"""How the parts of an office file refer to each other (ECMA-376, part 2)."""

import posixpath
from collections.abc import Mapping
from typing import NamedTuple
from xml.etree.ElementTree import Element

from src.documents.reading.archives import Archive, BrokenArchiveError, resolve


class Relation(NamedTuple):
    """What kind of part, such as `slide`, and its name in the archive."""

    kind: str
    part: str


_NOWHERE = Relation("", "")


def find_main_part(archive: Archive) -> str:
    """Return the name of the part that is the document. Raises `BrokenArchiveError`."""
    part = find_part(archive, "", "officeDocument")
    if part is None:
        raise BrokenArchiveError
    return part


def find_part(archive: Archive, part: str, kind: str) -> str | None:
    """Return the first part of a kind that this one refers to and that is there."""
    relations = list_relations(archive, part).values()
    found = (one.part for one in relations if one.kind == kind and one.part in archive)
    return next(found, None)


def follow(relations: Mapping[str | None, Relation], element: Element, name: str = "id") -> str:
    """Return the part that an attribute means, or nothing. It has a namespace: `r:id`, not `id`."""
    found = (value for key, value in element.items() if key.endswith(f"}}{name}"))
    return relations.get(next(found, None), _NOWHERE).part


def list_relations(archive: Archive, part: str) -> Mapping[str | None, Relation]:
    """Return what a part refers to within the archive, by the ids that it uses for them."""
    folder, base = posixpath.split(part)
    relations = posixpath.join(folder, "_rels", f"{base}.rels")
    if relations not in archive:
        return {}
    return {
        one.get("Id"): Relation(
            one.get("Type", "").rpartition("/")[2], resolve(part, one.get("Target", ""))
        )
        for one in archive.read_xml(relations)
        if one.get("TargetMode") != "External"
    }
