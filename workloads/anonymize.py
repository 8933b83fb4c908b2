"""Logs without identities: one door for SWF, sacct and CSV, with the salt, the output and its manifest."""

from __future__ import annotations

import re
from pathlib import Path

from wattq.errors import InvalidInputError, UnsupportedError
from wattq.workloads.anonymize_hash import Pseudonyms
from wattq.workloads.anonymize_options import AnonymizeOptions
from wattq.workloads.anonymize_report import Anonymized, AnonymizeReport
from wattq.workloads.anonymize_salt import check_place, make_salt, read_salt, write_salt
from wattq.workloads.anonymize_search import IdSearch, ids_named_in
from wattq.workloads.anonymize_swf import anonymize_swf
from wattq.workloads.anonymize_table import anonymize_table
from wattq.workloads.files import compress_for, decompress, plain_name, read_plain
from wattq.workloads.manifest import manifest_path, manifest_text, write_pair
from wattq.workloads.reader import is_json

__all__ = ["anonymize_bytes", "anonymize_file", "is_swf"]

_SWF_ROW = re.compile(rb"[ \t]*(?:[-+.0-9eE]+[ \t]+){17}[-+.0-9eE]+[ \t]*")
_LEAST_SOUGHT = 3


def anonymize_file(
    source: str | Path,
    out: str | Path,
    salt_file: str | Path,
    options: AnonymizeOptions | None = None,
    *,
    new_salt: bool = False,
) -> AnonymizeReport:
    """Write a log without identities, and its manifest beside it.

    Args:
        source: SWF, what ``sacct --parsable2`` prints, or CSV with a header; plain, gzip or xz.
        out: the file; a name with ``.gz`` or ``.xz`` is compressed. It and ``OUT.manifest.json`` appear whole or not
            at all.
        salt_file: the secret; the same salt gives the same pseudonyms in every file.
        options: choices.
        new_salt: create the salt, in a folder other than that of the output.

    Raises:
        InvalidInputError: an option cannot be used, or `out` would overwrite the input or the salt.
        MissingFileError: a file cannot be read or written.
        WorkloadError: the log breaks its format, nothing is left of it, or an original id would be written.
        UnsupportedError: the file is Batsim JSON.
    """
    source, out, salt_file = Path(source), Path(out), Path(salt_file)
    options = options or AnonymizeOptions()
    _check_paths(source, out, salt_file)
    if new_salt:
        check_place(salt_file, out)
    salt = make_salt() if new_salt else read_salt(salt_file)
    pseudonyms = Pseudonyms(salt)
    done = anonymize_bytes(read_plain(source), str(source), pseudonyms, options)
    _check_name(out, done.ids)
    data = compress_for(out, done.text.encode("utf-8", "surrogateescape"))
    if new_salt:
        # before the output: pseudonyms whose salt is lost could never be made again
        write_salt(salt_file, salt)
    write_pair(out, data, manifest_text(out, data, done.report, options))
    return done.report


def anonymize_bytes(data: bytes, source: str, pseudonyms: Pseudonyms, options: AnonymizeOptions) -> Anonymized:
    """Return a log without identities; like `anonymize_file` without the disk.

    Args:
        data: the content, plain, gzip or xz.
        source: name of the file, for messages, and to tell ``.swf``.
        pseudonyms: of the salt.
        options: choices.
    """
    data = decompress(data, source)
    if is_json(data, source):
        raise UnsupportedError(f"{source}: Batsim JSON; anonymize the log that it was made of, and convert that again")
    change = anonymize_swf if is_swf(data, source) else anonymize_table
    return change(data, source, pseudonyms, options)


def is_swf(data: bytes, source: str) -> bool:
    """Return whether plain content is SWF: by its name, or because it starts with a comment or 18 numbers."""
    if plain_name(source).endswith(".swf"):
        return True
    first = next((line for line in data[:100_000].splitlines() if line.strip()), b"")
    return first.lstrip().startswith(b";") or _SWF_ROW.fullmatch(first) is not None


def _check_paths(source: Path, out: Path, salt_file: Path) -> None:
    written = {path.resolve() for path in (out, manifest_path(out))}
    written |= {path.with_name(path.name + ".part") for path in written}
    for place, words in ((source, "the input"), (salt_file, "the salt")):
        same = out.exists() and place.exists() and out.samefile(place)
        if same or place.resolve() in written:
            raise InvalidInputError(f"{out}: would overwrite {words} {place}; choose another name for the output")
    if source.resolve() == salt_file.resolve():
        raise InvalidInputError(f"--salt-file {salt_file}: is the input; name the file of the salt")


def _check_name(out: Path, ids: frozenset[str]) -> None:
    """Refuse a file name that tells an id; names of jobs and queues are ordinary words and may stand there."""
    found = IdSearch(word for word in ids if len(word) >= _LEAST_SOUGHT).find(out.name, numbers=False)
    named = ids_named_in(out.name, ids)
    if found or named:
        raise InvalidInputError(f"{out}: the name holds the original id '{found or named[0]}'; choose another name")
