"""Real logs and tables without identities: no original id is left, and what is written can be read."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from wattq.workloads.anonymize import anonymize_bytes
from wattq.workloads.anonymize_hash import Pseudonyms
from wattq.workloads.anonymize_options import TIERS, AnonymizeOptions
from wattq.workloads.files import read_plain
from wattq.workloads.reader import parse_workload
from wattq.workloads.swf import parse_swf_table

SALT = b"a salt for the tests 0123456789"


@pytest.mark.parametrize("tier", sorted(TIERS))
@pytest.mark.parametrize("file", ["nrel-eagle_first1000_2019.csv", "ubccr_sacct_simple.log"])
def test_no_original_id_of_a_real_table_is_in_the_output(shared_dir: Path, file: str, tier: str) -> None:
    data = read_plain(shared_dir / "data" / "slurm" / file)
    out = anonymize_bytes(data, file, Pseudonyms(SALT), AnonymizeOptions(tier=tier, k=1)).text
    if file.endswith("csv"):
        table = list(csv.DictReader(data.decode().splitlines()))
        columns = ("user", "account", "partition", "name", "work_dir", "submit_line")
        numbers = {row["job_id"] for row in table}
        texts = {row[column] for row in table for column in columns}
    else:
        texts = set(re.findall(r"account\d+|user\d+|job_\w+|b00\d|n001|ubhpc|general-compute|users", data.decode()))
        numbers = {"10001", "10002", "10003"}
    assert len(texts) > 5
    # ids with letters nowhere at all, ids that are numbers nowhere as a whole number
    assert not [word for word in texts if word in out]
    assert not numbers & set(re.findall(r"\d+", out))


@pytest.mark.parametrize("tier", sorted(TIERS))
@pytest.mark.parametrize("trace", ["KTH-SP2-1996-2.1-cln", "SDSC-SP2-1998-4.2-cln"])
def test_no_original_id_of_a_real_log_is_in_the_output(shared_dir: Path, trace: str, tier: str) -> None:
    data = read_plain(shared_dir / "data" / "swf" / f"{trace}.swf.gz")
    done = anonymize_bytes(data, "log.swf", Pseudonyms(SALT), AnonymizeOptions(tier=tier))
    before, after = parse_swf_table(data, "in"), parse_swf_table(done.text.encode(), "out")
    assert after.n_rows == done.report.n_written == done.report.n_read - done.report.n_suppressed > 0
    for column in ("user", "group", "executable"):
        assert not (set(before.column(column)) & set(after.column(column))) - {-1.0}
    head = "".join(line for line in done.text.splitlines() if line.startswith(";"))
    for word in ("Malinowsky", "Feitelson", "Hazlewood", "user=21", "KTH", "SDSC", "http"):
        assert word not in head


@pytest.mark.parametrize("tier", sorted(TIERS))
@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("slurm", "nrel-eagle_first1000_2019.csv"),
        ("slurm", "ubccr_sacct_simple.log"),
        ("swf", "NASA-iPSC-1993-3.1-cln.swf.gz"),
    ],
)
def test_what_is_written_can_be_read_as_a_workload(shared_dir: Path, folder: str, file: str, tier: str) -> None:
    data = read_plain(shared_dir / "data" / folder / file)
    out = anonymize_bytes(data, file, Pseudonyms(SALT), AnonymizeOptions(tier=tier, k=1)).text
    before, after = parse_workload(data, file), parse_workload(out.encode(), file)
    assert after.report.n_read == before.report.n_read
    assert after.n_jobs == before.n_jobs
    if tier != "bronze":
        # jobs of one second are in the order of their ids, which are new
        assert sorted(after.hosts) == sorted(before.hosts)
        assert len(set(after.user)) == len(set(before.user))
