"""What is wrong with a platform file: the first error raised, or every finding collected."""

from __future__ import annotations

from dataclasses import dataclass

from wattq.errors import PlatformError, at

__all__ = ["Finding", "Findings"]

_SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """One thing that a reader or the linter has to say about a platform file.

    Attributes:
        severity: ``error`` (Batsim 4.2 aborts, or counts wrong energy) or ``warning``.
        place: file and line.
        message: what was found, which rule it breaks, what to do.
    """

    severity: str
    place: str
    message: str


class Findings:
    """Collects findings; in strict mode the first error is raised instead.

    The same message about several subjects (hosts, mostly) becomes one finding that counts them.
    """

    def __init__(self, source: str, *, strict: bool) -> None:
        self.source = source
        self.strict = strict
        self._lines: dict[tuple[str, str], int | None] = {}
        self._subjects: dict[tuple[str, str], list[str]] = {}

    def error(self, line: int | None, message: str, subject: str = "") -> None:
        """Record an error, or raise it in strict mode.

        Raises:
            PlatformError: in strict mode.
        """
        if self.strict:
            raise PlatformError(f"{at(self.source, line)}: {_with_subject(subject, 1, message)}")
        self._add("error", line, message, subject)

    def warning(self, line: int | None, message: str, subject: str = "") -> None:
        """Record a warning."""
        self._add("warning", line, message, subject)

    def _add(self, severity: str, line: int | None, message: str, subject: str) -> None:
        key = (severity, message)
        self._lines.setdefault(key, line)
        self._subjects.setdefault(key, []).append(subject)

    def list(self) -> list[Finding]:
        """Return the findings, errors first, each kind in the order of the file."""
        keys = sorted(self._lines, key=lambda key: (key[0], self._lines[key] or 0))
        return [Finding(key[0], at(self.source, self._lines[key]), self._text(key)) for key in keys]

    def _text(self, key: tuple[str, str]) -> str:
        subjects = list(dict.fromkeys(subject for subject in self._subjects[key] if subject))
        shown = ", ".join(subjects[:_SHOWN])
        if len(subjects) > _SHOWN:
            shown += f" and {len(subjects) - _SHOWN} more"
        return _with_subject(shown, len(subjects), key[1])


def _with_subject(subject: str, count: int, message: str) -> str:
    if not subject:
        return message
    return f"host{'s' if count > 1 else ''} {subject}: {message}"
