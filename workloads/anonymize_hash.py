"""Pseudonyms: ids hashed with a secret salt (HMAC-SHA256, RFC 2104)."""

from __future__ import annotations

import hashlib
import hmac
import re

from wattq.errors import WorkloadError

__all__ = ["KINDS", "LEAST_NUMBER", "Pseudonyms"]

KINDS = {"user": "Zu", "group": "Zg", "node": "Zn", "queue": "Zq", "job": "Zj", "name": "Zx", "executable": "Ze"}
"""Kinds of ids and how the pseudonym of a text starts; one id of two kinds has two pseudonyms."""

LEAST_NUMBER = 10**14
"""Pseudonyms are numbers of 15 digits, from here on: exact in a double, and larger than any id that a site gives."""

_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


class Pseudonyms:
    """Pseudonyms of ids under one salt; the same salt gives the same pseudonyms in every file.

    A number stays a number and a text stays a text: of ``7`` comes a number of 15 digits, of ``ann`` the letters of
    its kind and such a number, so that columns keep their type and no letter of the id can appear by chance.

    Args:
        salt: the secret, as `read_salt` returns it.
    """

    def __init__(self, salt: bytes) -> None:
        self._salt = salt
        self._made: dict[tuple[str, str], str] = {}
        self._owner: dict[tuple[str, str], str] = {}

    def text(self, kind: str, original: str) -> str:
        """Return the pseudonym of an id.

        Args:
            kind: a key of `KINDS`.
            original: the id; an empty one stays empty.

        Raises:
            WorkloadError: two ids got one pseudonym (with a million ids, once in 1800 salts).
        """
        if not original:
            return ""
        made = self._made.get((kind, original))
        return made if made is not None else self._make(kind, original)

    def _make(self, kind: str, original: str) -> str:
        message = f"{kind}\0{original}".encode("utf-8", "surrogateescape")
        digest = hmac.new(self._salt, message, hashlib.sha256).digest()
        number = LEAST_NUMBER + int.from_bytes(digest[:8], "big") % (9 * LEAST_NUMBER)
        made = str(number) if _NUMBER.fullmatch(original) else f"{KINDS[kind]}{number}"
        if self._owner.setdefault((kind, made), original) != original:
            raise WorkloadError(
                f"two ids of kind {kind} got the same pseudonym {made}; use another salt (--salt-file with --new-salt)"
            )
        self._made[kind, original] = made
        return made

    def originals(self) -> list[tuple[str, str]]:
        """Return (kind, id) of all ids that got a pseudonym, in order of first use."""
        return list(self._made)
