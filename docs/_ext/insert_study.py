"""Put the results of `wattq compare` on a study into a page: tables, findings and pictures between its markers.

    python docs/_ext/insert_study.py results/energy-carbon docs/study-energy-carbon.md

A page says what goes where by `<!-- study: tables -->`, `<!-- study: findings -->`, `<!-- study: method -->` and
`<!-- study: pictures co2e_kg GB 2021 -->`, each closed by `<!-- study: end -->`. Pictures are copied to `images/study`
beside the page.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from wattq.experiments import read_numbers
from wattq.experiments.folders import folder_name, write_text
from wattq.experiments.playbook import findings
from wattq.experiments.study import StudyNumbers, markdown_tables

MARKER = re.compile(r"(<!-- study: (\w+) ?([^>]*?) -->\n).*?(<!-- study: end -->)", re.DOTALL)


def insert(results: Path, page: Path) -> str:
    """Return the page with what stands between its markers made anew."""
    numbers = read_numbers(results)

    def made(match: re.Match[str]) -> str:
        return f"{match[1]}{_block(match[2], match[3], numbers, results, page)}\n{match[4]}"

    return MARKER.sub(made, page.read_text(encoding="utf-8"))


def _block(name: str, words: str, numbers: StudyNumbers, results: Path, page: Path) -> str:
    if name == "tables":
        return markdown_tables(numbers.groups).rstrip()
    if name == "findings":
        parts = [f"### {section.title}\n\n" + _list(section.sentences) for section in findings(numbers)]
        return "\n\n".join(parts)
    if name == "method":
        return _list((*numbers.warnings, *numbers.method))
    if name == "pictures":
        quantity, _, grid = words.partition(" ")
        return "\n\n".join(
            _picture(group.title, quantity, results, page) for group in numbers.groups if group.grid == grid
        )
    raise SystemExit(f"{page}: no block 'study: {name}'; there is tables, findings, method and pictures")


def _list(sentences: tuple[str, ...]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _picture(title: str, quantity: str, results: Path, page: Path) -> str:
    name = f"{folder_name(title)}-{quantity}.png"
    folder = page.parent / "images" / "study"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(results / "pictures" / name, folder / name)
    return f"![{title}: {quantity} against waits and slowdowns](images/study/{name})"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: insert_study.py RESULTS PAGE")
    write_text(Path(sys.argv[2]), insert(Path(sys.argv[1]), Path(sys.argv[2])))
