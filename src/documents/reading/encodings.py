"""Bytes to text: by the mark they begin with, as UTF-8, as they declare, or as browsers would.

What declares nothing is guessed by chardetng, the detector of Firefox, which kreuzberg asks about
tables alone. It says the characters, not the encoding; which one that was is found by trying.
"""

import codecs
import re
from typing import Final

from kreuzberg import ExtractionConfig, KreuzbergError, extract_bytes_sync

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What browsers read when a page promises latin-1 or nothing at all.
_FALLBACK: Final = "cp1252"
_BEYOND_ASCII: Final = re.compile(rb"[\x80-\xff]")
_SAMPLE_BYTES: Final = 64 * 1024
# What stands before the first letter beyond ASCII says what language it may be of.
_CONTEXT_BYTES: Final = 1024
# Of fewer letters beyond ASCII no guess is better than that of a Western text.
_FEWEST_LETTERS: Final = 12
# The same bytes that are rare mistakes in UTF-8 would be most of another encoding.
_LETTERS_FOR_A_MISTAKE: Final = 20
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
    named = _resolve(declared) if declared else _find_declared(content)
    seven_bits = any(escape in content for escape in _JAPANESE_ESCAPES)
    for guess in ("iso2022_jp" if seven_bits else None, "utf-8", named):
        try:
            if guess:
                return content.decode(guess)
        except UnicodeDecodeError:
            pass
    return _decode_by_letters(content)


def _decode_by_letters(content: bytes) -> str:
    text = content.decode(errors="replace")
    # Each byte of a letter but the first makes the text shorter than the content.
    if text.count("\ufffd") * _LETTERS_FOR_A_MISTAKE < len(content) - len(text):
        return text
    return content.decode(_guess(content), errors="replace")


def _guess(content: bytes) -> str:
    first = _BEYOND_ASCII.search(content)
    start = max(0, first.start() - _CONTEXT_BYTES) if first else 0
    # A mark of quotation is never half of a letter, but would be taken out of a table.
    sample = content[start : start + _SAMPLE_BYTES].replace(b'"', b" ")
    if len(_BEYOND_ASCII.findall(sample)) < _FEWEST_LETTERS:
        return _FALLBACK
    try:
        table = extract_bytes_sync(sample, "text/csv", ExtractionConfig(use_cache=False))
    except (KreuzbergError, RuntimeError):
        return _FALLBACK
    # The last letter may be cut in two.
    letters = _list_letters(table.content)[:-2]
    for encoding in (_FALLBACK, *sorted(_FOLLOWED)):
        if _list_letters(sample.decode(encoding, errors="replace"))[: len(letters)] == letters:
            return encoding
    return _FALLBACK


def _list_letters(text: str) -> list[str]:
    return [letter for letter in text if letter > "\x7f"]


def _find_declared(content: bytes) -> str | None:
    """The encoding that the first lines name, if they do."""
    found = _DECLARATION.search(content, 0, _DECLARATION_BYTES)
    return _resolve(found[1].decode()) if found else None


def _resolve(name: str) -> str | None:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return None
    wider = _WIDER.get(known, known)
    return wider if wider in _FOLLOWED else None
