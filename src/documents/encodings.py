"""Bytes to text: by the mark they begin with, as UTF-8, as they declare, or as browsers would."""

import codecs
import re
from typing import Final

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers read when a page promises latin-1 or nothing at all.
_FALLBACK: Final = "cp1252"
# Japanese in seven bits, which is UTF-8 as well.
_JAPANESE_ESCAPES: Final = (b"\x1b$B", b"\x1b$@")
# `<meta charset="...">`, `<?xml encoding="..."?>`, `# -*- coding: ... -*-`
_DECLARATION: Final = re.compile(rb"(?i)(?:charset|coding)\s*[:=]\s*[\"']?(?:x-)?([\w.:-]{1,40})")
_DECLARATION_BYTES: Final = 2_048
# Many texts use more than the encoding that they name; https://encoding.spec.whatwg.org says which.
_WIDER: Final = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "tis-620": "cp874",
    "iso8859-11": "cp874",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
}
# Others that Python knows are no text encodings, or take more than linear time.
_FOLLOWED: Final = frozenset({
    *_WIDER.values(),
    *(f"cp{number}" for number in range(1250, 1259)),
    *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    *("cp866", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic", "euc_jp", "iso2022_jp", "utf-8"),
})  # fmt: skip


def decode(content: bytes, *, declared: str | None = None) -> str:
    """`declared` is the name of an encoding that stands outside the content, as in a mail."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    guesses = ["utf-8", resolve(declared) if declared else find_declared(content)]
    if any(escape in content for escape in _JAPANESE_ESCAPES):
        guesses.insert(0, "iso2022_jp")
    for guess in guesses:
        try:
            return content.decode(guess)
        except UnicodeDecodeError:
            pass
    return content.decode(_FALLBACK, errors="replace")


def find_declared(content: bytes) -> str:
    """Return the encoding that the first lines name; where they name none, the fallback."""
    found = _DECLARATION.search(content, 0, _DECLARATION_BYTES)
    return resolve(found[1].decode()) if found else _FALLBACK


def resolve(name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return _FALLBACK
    wider = _WIDER.get(known, known)
    return wider if wider in _FOLLOWED else _FALLBACK
