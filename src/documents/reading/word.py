"""Mends what kreuzberg does not hear in Word files: tabs, which are all that parts some words."""

import io
import re
import zipfile
from typing import Final

from src.documents.reading.archives import Archive, BrokenArchiveError

_TEXTS: Final = re.compile(r"(?i)word/(?:document\d*|footnotes|endnotes)\.xml")
# Where paragraphs define their tab stops, elements of the same name have attributes.
_TAB: Final = re.compile(rb"<w:(tab|ptab\b[^<>]*)\s*(?:/>|></w:p?tab>)")
_TAB_AS_TEXT: Final = b'<w:t xml:space="preserve">\t</w:t>'
_RETURN: Final = re.compile(rb"<w:cr\s*(?:/>|></w:cr>)")
_LINE_END: Final = b"<w:br/>"
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
                if _TEXTS.fullmatch(name):
                    part = _RETURN.sub(_LINE_END, _TAB.sub(_TAB_AS_TEXT, part))
                target.writestr(name, part)
    return changed.getvalue()
