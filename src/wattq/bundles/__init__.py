"""Files of what was learned: a zip archive of a JSON manifest and arrays of plain numbers; nothing in them is run.

`archive` is the file, `arrays` its members, `document` the manifest, `reading` all of it from a path. What the manifest
holds, and what is made of the numbers, is the business of the rooms that write such files.
"""

from __future__ import annotations

__all__: list[str] = []
