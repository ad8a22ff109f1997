"""When two user names or email addresses are the same one, whatever way they are written.

The keys made here are what is unique in the database. They are never shown: two addresses that
look alike to a person have the same key.
"""

import unicodedata
from contextlib import suppress
from typing import Final

from email_validator import EmailNotValidError, validate_email

# Letters of other alphabets that look like a Latin one, lower case and small on purpose: the ones
# of UTS 39 ("confusables") that a common typeface draws the same.
_LOOK_ALIKES: Final = str.maketrans(
    {
        "а": "a",  # noqa: RUF001, the Cyrillic letter, as in the next lines
        "с": "c",  # noqa: RUF001, the same
        "ԁ": "d",  # noqa: RUF001, the same
        "е": "e",  # noqa: RUF001, the same
        "һ": "h",  # noqa: RUF001, the same
        "і": "i",  # noqa: RUF001, the same
        "ј": "j",  # noqa: RUF001, the same
        "ӏ": "l",  # noqa: RUF001, the same
        "о": "o",  # noqa: RUF001, the same
        "р": "p",  # noqa: RUF001, the same
        "ԛ": "q",  # noqa: RUF001, the same
        "ѕ": "s",  # noqa: RUF001, the same
        "ԝ": "w",  # noqa: RUF001, the same
        "х": "x",  # noqa: RUF001, the same
        "у": "y",  # noqa: RUF001, the same
        "α": "a",  # noqa: RUF001, the Greek letter, as in the next lines
        "ι": "i",  # noqa: RUF001, the same
        "ο": "o",  # noqa: RUF001, the same
        "ρ": "p",  # noqa: RUF001, the same
        "ν": "v",  # noqa: RUF001, the same
        "ı": "i",  # noqa: RUF001, the Turkish letter without its dot
    }
)


def fold_name(name: str) -> str:
    """Fold case, compatibility forms (full-width letters, ligatures), look-alikes, the invisible.

    Folding what is folded changes nothing.
    """
    text = _fold_compatible(name).translate(_LOOK_ALIKES)
    return _fold_compatible(
        "".join(character for character in text if unicodedata.category(character) != "Cf")
    )


def fold_email(address: str) -> str:
    """Fold an address with its domain in Unicode: `xn--mnchen-3ya.de` is `münchen.de`."""
    with suppress(EmailNotValidError):  # Nobody has such an address, but somebody may type it.
        address = validate_email(address, check_deliverability=False).normalized
    return fold_name(address)


def _fold_compatible(text: str) -> str:
    """Caseless compatibility matching (Unicode 16, D146)."""
    for _ in range(2):
        text = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", text)
