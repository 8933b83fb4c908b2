"""The order in which Batsim lists profiles: that of a hash table of the GNU C++ library.

Batsim keeps profiles in a ``std::unordered_map`` and forwards them in its order of iteration. The rules are those of
libstdc++: MurmurHash64A of the key's bytes, prime numbers of buckets, new keys at the front of their bucket.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

__all__ = ["hash_order", "string_hash"]

_MASK = (1 << 64) - 1
_MULTIPLIER = 0xC6A4A7935BD1E995
_SEED = 0xC70F6907
# Sizes that a growing table goes through: the first prime of the library's table that is at least twice as large.
_SIZES = (
    13,
    29,
    59,
    127,
    257,
    541,
    1109,
    2357,
    5087,
    10273,
    20753,
    42043,
    85229,
    172933,
    351061,
    712697,
    1447153,
    2938679,
    5967347,
    12117689,
)


def string_hash(key: bytes) -> int:
    """Return the 64-bit hash of a string (MurmurHash64A with the library's seed)."""
    n = len(key)
    h = (_SEED ^ (n * _MULTIPLIER)) & _MASK
    whole = n - n % 8
    for i in range(0, whole, 8):
        word = int.from_bytes(key[i : i + 8], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 47) * _MULTIPLIER & _MASK
        h = (h ^ word) * _MULTIPLIER & _MASK
    if n % 8:
        h = (h ^ int.from_bytes(key[whole:], "little")) * _MULTIPLIER & _MASK
    h = (h ^ h >> 47) * _MULTIPLIER & _MASK
    return h ^ h >> 47


class _Node:
    """A key in the list of all keys."""

    __slots__ = ("code", "following", "key")

    def __init__(self, key: str, code: int) -> None:
        self.key = key
        self.code = code
        self.following: _Node | None = None


class _Table:
    """A chained table: one list of all keys, in which the keys of a bucket are neighbours."""

    def __init__(self) -> None:
        self.size = 1
        self.n = 0
        self.start = _Node("", 0)  # stands before the first key
        self.before: dict[int, _Node] = {}  # bucket -> the node before its first key

    def insert(self, key: str) -> None:
        """Insert a key that is not there."""
        if self.n + 1 > (0 if self.size == 1 else self.size):
            self._grow()
        self._link(_Node(key, string_hash(key.encode())))
        self.n += 1

    def _grow(self) -> None:
        """Take the next size and insert the keys anew, in list order."""
        self.size = next(size for size in _SIZES if size > self.n)
        node = self.start.following
        self.start.following = None
        self.before = {}
        while node is not None:
            following = node.following
            self._link(node)
            node = following

    def _link(self, node: _Node) -> None:
        """Put a key in front of its bucket; an empty bucket comes first in the list."""
        bucket = node.code % self.size
        before = self.before.get(bucket)
        if before is None:
            before = self.before[bucket] = self.start
            node.following = before.following
            if node.following is not None:
                self.before[node.following.code % self.size] = node
        else:
            node.following = before.following
        before.following = node

    def __iter__(self) -> Iterator[str]:
        """Yield the keys in the order of the list."""
        node = self.start.following
        while node is not None:
            yield node.key
            node = node.following


def hash_order(keys: Iterable[str]) -> list[str]:
    """Return keys, inserted one after the other, in the order of iteration of the table."""
    table = _Table()
    for key in keys:
        table.insert(key)
    return list(table)
