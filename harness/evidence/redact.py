"""Keeps secrets out of everything that is written: tokens by their shape, others by their value.

>>> Redactor({"hunter2"}).clean("password hunter2")
'password [redacted]'
"""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

# Header and payload are enough: a signature may be empty (alg none), or cut off with the end of a message.
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}")
MARK = "[redacted]"
_NEVER_ESCAPED = frozenset(string.ascii_letters + string.digits + "-._~")
_SHORTEST = 6  # a shorter "secret" would black out ordinary words


def _spellings(secret: str) -> re.Pattern[str]:
    """The secret as any writer of JSON or of URLs may spell it: some escape what nobody asks them to.

    >>> bool(_spellings("a/b=c").fullmatch("a%2fb\\\\u003Dc"))
    True
    """
    return re.compile("".join(char if char in _NEVER_ESCAPED else _any_of(char) for char in secret))


def _any_of(char: str) -> str:
    """The character itself, behind a backslash, by its number, percent-encoded."""
    number = f"\\u{ord(char):04x}" if char.isascii() else json.dumps(char)[1:-1]
    plain, others = re.escape(char), "|".join(map(re.escape, (number, quote(char, safe="", errors="replace"))))
    return f"(?:{plain}|\\\\{plain}|(?i:{others}))"


class Redactor:
    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self._spellings: dict[str, re.Pattern[str]] = {}  # of those with characters that may be escaped
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        if len(secret) >= _SHORTEST:
            # The longest first, so that one within another leaves no tail.
            spelled = {secret, json.dumps(secret, ensure_ascii=False)[1:-1]}
            self._secrets = sorted({*self._secrets, *spelled}, key=len, reverse=True)
            if not _NEVER_ESCAPED.issuperset(secret):
                self._spellings[secret] = _spellings(secret)

    def clean(self, text: str) -> str:
        """The text without tokens and known secrets."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MARK)
        for spelling in self._spellings.values() if "\\" in text or "%" in text else ():
            text = spelling.sub(MARK, text)
        return _JWT.sub(MARK, text) if "eyJ" in text else text

    def clean_beginning(self, text: str) -> str:
        """The same for a text whose end is not there: the beginning of a secret at its end goes too."""
        clean = self.clean(text).rstrip("\ufffd")  # half a character
        for secret in self._secrets:
            for length in range(min(len(secret), len(clean)), _SHORTEST - 1, -1):
                if secret[length - 1] == clean[-1] and clean.endswith(secret[:length]):
                    return clean[:-length] + MARK
        return clean

    def clean_file(self, path: Path) -> None:
        """The same for a log that a child wrote, line by line; replaced in one step, and only when it has a secret."""
        partial = path.with_name(f".{path.name}.clean")
        changed = False
        with (
            path.open(encoding="utf-8", errors="surrogateescape", newline="") as dirty,
            partial.open("w", encoding="utf-8", errors="surrogateescape", newline="") as clean,
        ):
            for line in dirty:
                shown = self.clean(line)
                changed = changed or shown != line
                clean.write(shown)
        if changed:
            partial.replace(path)
        else:
            partial.unlink()
