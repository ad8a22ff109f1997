"""Mends what kreuzberg does not hear in Word files: tabs, which are all that parts some words."""

import io
import re
import zipfile
from typing import Final

from src.documents.reading.archives import Archive, BrokenArchiveError

DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

_TEXTS: Final = re.compile(r"(?i)word/(?:document\d*|footnotes|endnotes)\.xml")
# Where paragraphs define their tab stops, elements of the same name have attributes.
_GAP: Final = re.compile(rb"<w:(?:tab|cr)\s*/>|<w:ptab\b[^<>]*/>")
_SPACE: Final = b'<w:t xml:space="preserve">\t</w:t>'
# Pictures and the like hold no text.
_NEEDED: Final = (".xml", ".rels")


def show_tabs(content: bytes) -> bytes:
    """Return the same file with every tab written as text; any other file as it is."""
    try:
        return _show_tabs(Archive(content))
    except BrokenArchiveError:
        return content


def _show_tabs(archive: Archive) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name in archive:
            if name.lower().endswith(_NEEDED):
                part = archive.read(name) or b""
                target.writestr(name, _GAP.sub(_SPACE, part) if _TEXTS.fullmatch(name) else part)
    return changed.getvalue()
