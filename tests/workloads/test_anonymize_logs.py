"""SWF, sacct and CSV without identities: exact rows, suppression against a brute force, the search for ids."""

from __future__ import annotations

import gzip
import random

import pytest

from wattq.errors import InvalidInputError, UnsupportedError, WorkloadError
from wattq.workloads.anonymize import anonymize_bytes
from wattq.workloads.anonymize_hash import Pseudonyms
from wattq.workloads.anonymize_options import TIERS, AnonymizeOptions
from wattq.workloads.anonymize_report import Anonymized, anonymize_lines
from wattq.workloads.swf import FIELDS

SALT = b"a salt for the tests 0123456789"
SWF = """; Computer: Cray of Ann
; Installation: Bob's centre
; UnixStartTime: 1000000001
; TimeZone: 3600
; TimeZoneString: Europe/Paris
; MaxProcs: 100 (2 of them Ann's)
; MaxRuntime: 4000
; Queue: 1 ann_private
; Note: user=21 and (job>=5) (2 jobs removed)
;       and more
11 100 5 59 3 40.5 1000 3 100 2000 1 21 2 7 1 4 -1 -1
12 130 -1 61 3 -1 -1 3 90 -1 0 22 2 8 1 4 11 33
13 150 0 0 40 -1 -1 40 90 -1 5 21 2 -1 1 4 -1 -1
14 -1 10 130 3 -1 -1 3 -1 -1 1 -1 -1 -1 1 4 13 5
15 7300 3600 7261 3 -1 -1 3 7300 -1 1 22 3 -1 1 4 99 5
"""
SACCT = """JobID|JobIDRaw|User|UID|Account|Cluster|Partition|Submit|Eligible|Start|End|Elapsed|CPUTime|State|NCPUS|\
ReqMem|ReqTRES|Timelimit|NodeList|JobName|Comment
70_1|71|ann|10001|chem|hex|gpu|2021-12-10T14:23:28|2021-12-10T14:23:29|2021-12-10T14:24:01|2021-12-10T14:24:31|00:00:30|\
00:02:00|CANCELLED by 10001|4|3G|cpu=4,license/chemsoft=1|1-00:00:00|b[002-003]|ann's job|hello
70_1.batch|71.batch|||chem|hex||2021-12-10T14:23:28||2021-12-10T14:24:01|2021-12-10T14:24:31|00:00:30|00:02:00|COMPLETED|4||\
||b002|batch|
72|72|bob|10002|chem|hex|gpu|2021-12-10T14:23:28|Unknown|Unknown|Unknown|00:00:00|00:00:00|PENDING|4||cpu=4|UNLIMITED|\
None assigned|two
lines|x
73|73|cyd|10003|bio|hex|gpu|2021-12-10T15:00:00|2021-12-10T15:00:00|2021-12-10T15:00:00|2021-12-10T16:00:01|01:00:01|x|\
ann did|8|1G|cpu=8|UNLIMITED|b[002-x|z|x
"""


def anonymize(text: str, source: str, *, salt: bytes = SALT, **choices: object) -> Anonymized:
    return anonymize_bytes(text.encode(), source, Pseudonyms(salt), AnonymizeOptions(**choices))


def rows(done: Anonymized) -> list[list[str]]:
    return [line.split() for line in done.text.splitlines() if not line.startswith(";")]


def name(kind: str, original: str) -> str:
    return Pseudonyms(SALT).text(kind, original)


def test_gold_swf_hashes_ids_and_nothing_else() -> None:
    done = anonymize(SWF, "log.swf", tier="gold", k=1)
    u21, u22, g2, g3 = name("user", "21"), name("user", "22"), name("group", "2"), name("group", "3")
    e7, e8 = name("executable", "7"), name("executable", "8")
    assert [" ".join(row) for row in rows(done)] == [
        f"1 100 5 59 3 40.5 1000 3 100 2000 1 {u21} {g2} {e7} 1 4 -1 -1",
        f"2 130 -1 61 3 -1 -1 3 90 -1 0 {u22} {g2} {e8} 1 4 1 33",
        f"3 150 0 0 40 -1 -1 40 90 -1 5 {u21} {g2} -1 1 4 -1 -1",
        "4 -1 10 130 3 -1 -1 3 -1 -1 1 -1 -1 -1 1 4 3 5",
        f"5 7300 3600 7261 3 -1 -1 3 7300 -1 1 {u22} {g3} -1 1 4 -1 -1",
    ]
    head = [line for line in done.text.splitlines() if line.startswith(";")]
    assert [line for line in head if "anonymized by wattq" not in line] == [
        *("; Version: 2.2", "; MaxJobs: 5", "; MaxRecords: 5", "; UnixStartTime: 1000000001", "; TimeZone: 3600"),
        *("; TimeZoneString: Europe/Paris", "; MaxProcs: 100", "; MaxRuntime: 4000"),
    ]
    assert done.report.columns_left_out == ("Computer", "Installation", "Queue")


def test_silver_swf_rounds_dates_down() -> None:
    done = anonymize(SWF, "log.swf", k=1, aggregate_s=60)
    times = [[*row[1:4], row[5], row[8], row[16], row[17]] for row in rows(done)]
    assert times == [
        ["60", "0", "60", "0", "120", "-1", "-1"],
        ["120", "-1", "120", "-1", "120", "1", "0"],
        ["120", "0", "0", "-1", "120", "-1", "-1"],
        ["-1", "60", "180", "-1", "-1", "3", "0"],
        ["7260", "3600", "7260", "-1", "7320", "-1", "-1"],
    ]
    assert "UnixStartTime: 1000000000" not in done.text
    assert "; UnixStartTime: 999999960" in done.text
    assert "MaxRuntime" not in done.text


def test_bronze_swf_has_no_ids() -> None:
    done = anonymize(SWF, "log.swf", k=1, tier="bronze")
    assert [" ".join(row) for row in rows(done)] == [
        "1 0 60 60 4 60 1000 4 120 2000 1 -1 -1 -1 -1 -1 -1 -1",
        "2 0 -1 120 4 -1 -1 4 120 -1 0 -1 -1 -1 -1 -1 -1 -1",
        "3 0 0 0 40 -1 -1 40 120 -1 5 -1 -1 -1 -1 -1 -1 -1",
        "4 -1 60 180 4 -1 -1 4 -1 -1 1 -1 -1 -1 -1 -1 -1 -1",
        "5 7200 3600 7300 4 -1 -1 4 7300 -1 1 -1 -1 -1 -1 -1 -1 -1",
    ]
    assert done.report.quasi == ("requested", "allocated")


def test_suppression_is_counted_and_the_preceding_jobs_follow() -> None:
    done = anonymize(SWF, "log.swf", k=2)
    # 40 processors: one user; 3 processors: two users and an unknown one
    assert [row[0] for row in rows(done)] == ["1", "2", "3", "4"]
    assert [row[16] for row in rows(done)] == ["-1", "1", "-1", "-1"]
    report = done.report
    assert (report.n_read, report.n_written, report.n_suppressed) == (5, 4, 1)
    assert (report.n_groups, report.n_small_groups, report.counted) == (2, 1, "users")
    assert report.work_suppressed == 0
    lines = "\n".join(anonymize_lines(report, AnonymizeOptions(k=2)))
    assert "suppressed         1  1 of 2 groups have fewer than 2 users, 0.0% of the core-seconds" in lines


def random_swf(seed: int) -> str:
    rng = random.Random(seed)
    lines = [
        f"{n} {n * 40} {rng.randint(0, 99)} {rng.randint(0, 9999)} {(p := rng.randint(1, 6))} -1 -1 {p} 9000 -1 1 "
        f"{rng.choice([-1, *range(1, 9)])} {rng.randint(1, 3)} {rng.randint(1, 3)} {rng.randint(0, 2)} 1 -1 -1"
        for n in range(1, rng.randint(20, 200))
    ]
    return "\n".join(["; MaxProcs: 8", *lines, ""])


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("quasi", [(), ("group", "queue"), ("run",)])
def test_suppression_equals_a_brute_force(seed: int, quasi: tuple[str, ...]) -> None:
    text, k = random_swf(seed), 2 + seed % 4
    whole = rows(anonymize(text, "log.swf", k=1))
    users = [line.split()[11] for line in text.splitlines()[1:]]
    places = [FIELDS.index(column) for column in quasi or ("requested", "allocated", "queue", "partition")]
    keys = [[row[place] for place in places] for row in whole]
    expected = [
        row[1:]
        for row, key in zip(whole, keys, strict=True)
        if len({user for other, user in zip(keys, users, strict=True) if other == key}) >= k
    ]
    if not expected:
        with pytest.raises(WorkloadError, match=f"every group has fewer than {k} users, nothing is left"):
            anonymize(text, "log.swf", k=k, quasi=quasi)
        return
    done = anonymize(text, "log.swf", k=k, quasi=quasi)
    assert [row[1:] for row in rows(done)] == expected
    # the property itself, on what is told: every group of the output has k users at least (unknown users are one)
    groups: dict[tuple[str, ...], set[str]] = {}
    for row in rows(done):
        groups.setdefault(tuple(row[place] for place in places), set()).add(row[11])
    assert all(len(group) >= k for group in groups.values())


def test_gold_sacct() -> None:
    done = anonymize(SACCT, "log.txt", tier="gold", k=1)
    table = [line.split("|") for line in done.text.splitlines()]
    head = SACCT.splitlines()[0].split("|")
    assert table[0] == head[:-1]
    first, second, third = (dict(zip(table[0], row, strict=True)) for row in table[1:])
    assert first == {
        "JobID": name("job", "70") + "_1",
        "JobIDRaw": name("job", "71"),
        "User": name("user", "ann"),
        "UID": name("user", "10001"),
        "Account": name("group", "chem"),
        "Cluster": name("queue", "hex"),
        "Partition": name("queue", "gpu"),
        "Submit": "2021-12-10T14:23:28",
        "Eligible": "2021-12-10T14:23:29",
        "Start": "2021-12-10T14:24:01",
        "End": "2021-12-10T14:24:31",
        "Elapsed": "00:00:30",
        "CPUTime": "00:02:00",
        "State": "CANCELLED",
        "NCPUS": "4",
        "ReqMem": "3G",
        "ReqTRES": "cpu=4",
        "Timelimit": "1-00:00:00",
        "NodeList": ",".join(sorted(name("node", node) for node in ("b002", "b003"))),
        "JobName": first["JobName"],
    }
    assert second["NodeList"] == "None assigned"
    assert (second["Start"], second["Timelimit"]) == ("Unknown", "UNLIMITED")
    assert (third["State"], third["CPUTime"], third["NodeList"]) == ("", "", name("node", "b[002-x"))
    assert done.report.left_out == {"steps of jobs": 1, "lines that do not fit the header": 0}
    assert done.report.emptied["State"] == 1
    assert done.report.columns_left_out == ("Comment",)


def test_free_text_is_mended_where_one_column_alone_can_hold_it() -> None:
    text = "JobID|User|NCPUS|JobName|State\n1|ann|2|a|b|COMPLETED\n2|bob|2|x\n\ny|COMPLETED\n3|cyd\n4|dan|2|z|FAILED\n"
    done = anonymize(text, "log.txt", k=1)
    assert [line.split("|")[3] for line in done.text.splitlines()[1:]] == [
        *(name("name", "a|b"), name("name", "x\n\ny"), name("name", "z"))
    ]
    assert done.report.left_out["lines that do not fit the header"] == 1


def test_silver_and_bronze_sacct() -> None:
    silver = anonymize(SACCT, "log.txt", k=1, aggregate_s=10)
    head, first, *_ = [line.split("|") for line in silver.text.splitlines()]
    row = dict(zip(head, first, strict=True))
    assert [row[column] for column in ("Submit", "Eligible", "Start", "End", "Elapsed", "Timelimit")] == [
        *("2021-12-10T14:23:20", "2021-12-10T14:23:20", "2021-12-10T14:24:00", "2021-12-10T14:24:30"),
        *("00:00:30", "1-00:00:00"),
    ]
    assert "CPUTime" not in head
    bronze = anonymize(SACCT, "log.txt", k=1, tier="bronze")
    assert bronze.text == (
        "JobID|JobIDRaw|Submit|Start|End|Elapsed|State|NCPUS|ReqMem|Timelimit\n"
        "1|1|2021-12-10T14:00:00|2021-12-10T14:01:00|2021-12-10T14:02:00|00:01:00|CANCELLED|4|4G|1-00:10:00\n"
        "2|2|2021-12-10T14:00:00|Unknown|Unknown|00:00:00|PENDING|4||UNLIMITED\n"
        "3|3|2021-12-10T15:00:00|2021-12-10T15:00:00|2021-12-10T16:01:40|01:01:40||8|1G|UNLIMITED\n"
    )


def test_csv_keeps_its_form_and_types() -> None:
    text = 'job_id;user;submit_s;hosts;logged_start_s;logged_run_s;run_s;queue;"note"\n1;7;61;3;70;5;5;2;"a;b"\n'
    done = anonymize(text, "jobs.csv", k=1, keep=("note",))
    assert done.text == (
        "job_id;user;submit_s;hosts;logged_start_s;logged_run_s;run_s;queue;note\n"
        f'{name("job", "1")};{name("user", "7")};60;3;60;60;60;2;"a;b"\n'
    )
    trailing = anonymize("User|NCPUS|\nann|2|\n", "log.txt", k=1)
    assert trailing.text == f"User|NCPUS|\n{name('user', 'ann')}|2|\n"


def test_same_salt_same_hash_across_forms_and_another_salt_another() -> None:
    table = anonymize("User,Account,NCPUS\n21,2,3\nann,chem,3\n", "a.csv", k=1).text
    log = anonymize(SWF, "log.swf", k=1, tier="gold").text
    assert name("user", "21") in table
    assert name("user", "21") in log
    other = anonymize(SWF, "log.swf", k=1, tier="gold", salt=b"quite another salt 9876543210").text
    for line, changed in zip(log.splitlines()[-5:], other.splitlines()[-5:], strict=True):
        ids, new = line.split()[11:14], changed.split()[11:14]
        assert all(a != b or a == "-1" for a, b in zip(ids, new, strict=True))
        assert line.split()[:11] == changed.split()[:11]


def test_header_keys_are_kept_when_asked_for() -> None:
    done = anonymize(SWF, "log.swf", k=1, keep=("Computer", "MaxProcs", "Computer"))
    assert done.text.count("; Computer: Cray of Ann") == 1
    with pytest.raises(WorkloadError, match=r"--keep 'Note': the text names the id 21 of the log; leave the key out"):
        anonymize(SWF, "log.swf", k=1, keep=("Note",))
    with pytest.raises(InvalidInputError, match=r"--keep 'Nothing': the header has no such key; its keys are Computer"):
        anonymize(SWF, "log.swf", k=1, keep=("Nothing",))


@pytest.mark.parametrize(
    ("cell", "found"),
    [("ran by ann", "ann"), ("on b003!", "b003"), ("uid 10002", "10002"), ("for chem", "chem"), ("gpu", "gpu")],
)
def test_a_kept_column_with_an_id_is_refused(cell: str, found: str) -> None:
    text = SACCT.replace("|hello", f"|{cell}")
    with pytest.raises(WorkloadError, match=f"--keep 'Comment': the original id '{found}' stands in '{cell}'; leave"):
        anonymize(text, "log.txt", k=1, keep=("comment",))
    assert "|hello" in anonymize(SACCT, "log.txt", k=1, keep=("comment",)).text


@pytest.mark.parametrize(
    ("text", "source", "choices", "error", "message"),
    [
        ("{}", "w.json", {}, UnsupportedError, "w.json: Batsim JSON; anonymize the log that it was made of"),
        (
            SWF,
            "log.swf",
            {"quasi": ("user",)},
            InvalidInputError,
            "--quasi 'user': cannot be .*is what the size of a gro",
        ),
        (
            SWF,
            "log.swf",
            {"quasi": ("x",)},
            InvalidInputError,
            "--quasi 'x': no column of SWF; the columns are number, ",
        ),
        (SWF, "log.swf", {"quasi": ("queue",), "tier": "bronze"}, InvalidInputError, "tier bronze does not write it"),
        (SWF, "log.swf", {"k": 9}, WorkloadError, "log.swf: every group has fewer than 9 users, nothing is left; name"),
        (SWF.replace(" 21 2 7", " 2.5 2 7"), "a.swf", {}, WorkloadError, "a.swf: column user holds 2.5; ids are whole"),
        (SACCT, "log.txt", {"keep": ("User",)}, InvalidInputError, "--keep 'User': the column holds ids, which are"),
        (SACCT, "log.txt", {"keep": ("x",)}, InvalidInputError, "--keep 'x': no such column; the columns are JobID"),
        (
            SACCT,
            "log.txt",
            {"quasi": ("user",)},
            InvalidInputError,
            "--quasi 'User': cannot be a quasi-identifier, it is",
        ),
        (
            SACCT,
            "log.txt",
            {"quasi": ("JobID",)},
            InvalidInputError,
            "it is different in each row; name another column",
        ),
        (SACCT, "log.txt", {"quasi": ("Comment",)}, InvalidInputError, "it is not written; name another column"),
        ("User,Submit\nann,1\n", "a.csv", {}, InvalidInputError, "--quasi: the table has no column of sizes or queues"),
        ("a,b\n1,2\n", "a.csv", {}, WorkloadError, "a.csv: no column of the header is known .a, b.; columns are named"),
        ("User,Submit\n", "a.csv", {}, WorkloadError, "a.csv: no jobs; a table has one row for each job below its hea"),
        (
            "User,user\n",
            "a.csv",
            {},
            WorkloadError,
            "a.csv, line 1: column 'User' stands there twice; keep one of them",
        ),
        (
            "7,ann\n",
            "a.csv",
            {},
            WorkloadError,
            "a.csv, line 1: the first line must be a header; each column needs a na",
        ),
        (
            "JobID  User\n-----  ----\n",
            "a.txt",
            {},
            WorkloadError,
            "a.txt, line 1: no header of names between .* sacct",
        ),
        ("", "a.csv", {}, WorkloadError, "a.csv: empty; a table has a header and rows"),
        ("; MaxProcs: 4\n", "a.swf", {}, WorkloadError, "a.swf: no jobs"),
    ],
)
def test_what_cannot_be_done(
    text: str, source: str, choices: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        anonymize(text, source, **choices)


_WORDS = (
    *(
        b"|",
        b",",
        b"\n",
        b"\r",
        b'"',
        b"\x00",
        b"\xff",
        b"9" * 30,
        b"9" * 5000,
        b"-1",
        b"1e999",
        b"nan",
        b";",
        b"b[0-9",
    ),
    *(b"n[0-99999999]", b"[0-99],[0-99]", b"9999-12-31T23:59:59", b"0000-00-00", b"99999-99:99:99", b"User|User", b"."),
)


@pytest.mark.parametrize("kind", ["swf", "sacct", "csv"])
def test_mutated_logs_give_a_result_or_a_message(kind: str) -> None:
    valid = {"swf": SWF, "sacct": SACCT, "csv": SACCT.replace(",", "_").replace("|", ",")}[kind].encode()
    outcomes = set()
    for case in range(400):
        rng = random.Random(f"{kind}-{case}")
        data = bytearray(valid)
        for _ in range(rng.choice((1, 1, 2, 5))):
            place, length = rng.randrange(len(data)), rng.choice((0, 1, 3, 30))
            data[place : place + length] = rng.choice((rng.choice(_WORDS), bytes([rng.randrange(256)]), b""))
        content = gzip.compress(bytes(data))[: rng.choice((None, -9))] if rng.random() < 0.05 else bytes(data)
        options = AnonymizeOptions(k=rng.choice((1, 2)), tier=rng.choice(sorted(TIERS)))
        try:
            done = anonymize_bytes(content, f"log.{kind}", Pseudonyms(SALT), options)
            assert done.report.n_written > 0
            outcomes.add("done")
        except (InvalidInputError, WorkloadError) as error:
            outcomes.add("refused" if str(error) else "no message")
        except BaseException as error:
            error.add_note(f"{kind} input {case}: {content!r}")
            raise
    assert outcomes == {"done", "refused"}
