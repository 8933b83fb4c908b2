"""The command line: Batsim 4.2's options, their forms, and which of them are refused."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattq.errors import UnsupportedError
from wattq.simulator.batsim.grammar import Option, UsageError, split
from wattq.simulator.batsim.log import CRITICAL, DEBUG, ERROR, INFO
from wattq.simulator.batsim.options import ServerOptions, context_text, parse_options, shown_instead
from wattq.simulator.batsim.usage import HELP, OPTIONS, REFUSED

# Every option of Batsim 4.2.1's own help.
_LONG = """--platform --workload --workflow --WS --workflow-start --events --master-host --add-role-to-hosts --energy
--socket-endpoint --enable-redis --redis-hostname --redis-port --redis-prefix --export --disable-schedule-tracing
--disable-machine-state-tracing --mmax --mmax-workload --forward-profiles-on-submission --enable-dynamic-jobs
--acknowledge-dynamic-jobs --enable-profile-reuse --verbosity --quiet --workflow-jobs-limit
--ignore-beyond-last-workflow --dump-execution-context --enable-compute-sharing --disable-storage-sharing --no-sched
--sched-cfg --sched-cfg-file --sg-cfg --sg-log --forward-unknown-events --help --version --simgrid-version"""
BATSIM = _LONG.split()
DEFAULTS = parse_options(["-p", "p.xml"])


def test_every_option_of_batsim_is_known() -> None:
    assert {option.name for option in OPTIONS} == {*BATSIM, "--scheduler-timeout"}
    assert len({option.name for option in OPTIONS}) == len(OPTIONS)


def test_help_tells_every_option_that_is_honoured() -> None:
    for option in OPTIONS:
        assert (option.name in HELP) == (option.name not in REFUSED), option.name
        if option.name not in REFUSED:
            assert option.letter in HELP
            assert option.default in HELP
            assert not option.value or f"{option.name} {option.value}" in HELP
    assert max(map(len, HELP.splitlines())) <= 120


def test_defaults_are_those_of_batsim() -> None:
    assert replace(DEFAULTS, thresholds={}) == ServerOptions(
        platform="p.xml",
        workloads=(),
        events=(),
        master_host="master_host",
        roles=(),
        mmax=0,
        mmax_workload=False,
        energy=False,
        compute_sharing=False,
        storage_sharing=True,
        dynamic_jobs=False,
        acknowledge_dynamic_jobs=False,
        profile_reuse=False,
        forward_profiles=False,
        forward_unknown_events=False,
        endpoint="tcp://localhost:28000",
        sched_config="",
        sched_config_file="",
        scheduler_timeout_s=None,
        prefix="out",
        schedule_trace=True,
        machine_states=True,
        thresholds={},
        settings=(),
        redis_hostname="127.0.0.1",
        redis_port=6379,
        redis_prefix="default",
        dump_context=False,
    )
    assert DEFAULTS.thresholds == {"batsim": INFO, "network": INFO, "server": INFO}


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (["-w", "a", "--workload", "b", "--workload=c", "-wd"], {"workloads": ("a", "b", "c", "d")}),
        (["--events", "a", "--events", "b"], {"events": ("a", "b")}),
        (["-m", "boss"], {"master_host": "boss"}),
        (["-r", "a:master", "-r", "b,c:storage"], {"roles": ("a:master", "b,c:storage")}),
        (["--mmax", "7", "--mmax-workload"], {"mmax": 7, "mmax_workload": True}),
        (["-E"], {"energy": True}),
        (["--energy"], {"energy": True}),
        (["-Eq", "-eout/x"], {"energy": True, "prefix": "out/x", "thresholds": "quiet"}),
        (["-Ee", "-x"], {"energy": True, "prefix": "-x"}),
        (["-e", "out/exp1/out"], {"prefix": "out/exp1/out"}),
        (["-s", "ipc://x"], {"endpoint": "ipc://x"}),
        (["--enable-compute-sharing"], {"compute_sharing": True}),
        (["--disable-storage-sharing"], {"storage_sharing": False}),
        (["--enable-dynamic-jobs", "--acknowledge"], {"dynamic_jobs": True, "acknowledge_dynamic_jobs": True}),
        (["--enable-dynamic-jobs", "--enable-profile-reuse"], {"dynamic_jobs": True, "profile_reuse": True}),
        (["--forward-profiles-on-submission"], {"forward_profiles": True}),
        (["--forward-unknown-events", "--events", "e"], {"forward_unknown_events": True, "events": ("e",)}),
        (["--forward-unknown-events"], {}),
        (["--sched-cfg", '{"a": 1}'], {"sched_config": '{"a": 1}'}),
        (["--sched-cfg="], {}),
        (["--sched-cfg-file", "f"], {"sched_config_file": "f"}),
        (["--scheduler-timeout", "2.5"], {"scheduler_timeout_s": 2.5}),
        (["--disable-schedule-tracing"], {"schedule_trace": False}),
        (["--disable-machine-state-tracing"], {"machine_states": False}),
        (["-v", "quiet"], {"thresholds": "quiet"}),
        (["--verb", "debug"], {"thresholds": "debug"}),
        (["-v", "debug", "-q"], {"thresholds": "quiet"}),
        (["-v", "network-only"], {"thresholds": "network-only"}),
        (["--redis-hostname", "h", "--redis-port", "1", "--redis-prefix", "p"], {"redis": ("h", 1, "p")}),
        (["--dump-execution-context"], {"dump_context": True}),
        (["--sg-cfg", "host/model:ptask_L07"], {"settings": ("host/model:ptask_L07",)}),
    ],
)
def test_forms(words: list[str], changed: dict[str, Any]) -> None:
    levels = {"quiet": (ERROR, ERROR, ERROR), "network-only": (ERROR, INFO, ERROR), "debug": (DEBUG, DEBUG, DEBUG)}
    if "thresholds" in changed:
        changed["thresholds"] = dict(zip(("batsim", "network", "server"), levels[changed["thresholds"]], strict=True))
    if "redis" in changed:
        changed |= dict(zip(("redis_hostname", "redis_port", "redis_prefix"), changed.pop("redis"), strict=True))
    assert parse_options(["-p", "p.xml", *words]) == replace(DEFAULTS, **changed)


@pytest.mark.parametrize(
    ("words", "wording"),
    [
        ([], "'-p/--platform' is missing"),
        (["-p"], "'-p' needs a value"),
        (["--platform"], "'--platform' needs a value"),
        (["-p", ""], "'-p' needs a value"),
        (["-p", "x", "-p", "y"], "'--platform' is given 2 times"),
        (["-p", "x", "-q", "-q"], "'--quiet' is given 2 times"),
        (["-p", "x", "stray"], "unexpected argument 'stray'"),
        (["-p", "x", "--"], "unexpected argument '--'"),
        (["-p", "x", "-"], "unexpected argument '-'"),
        (["-p", "x", "--no-such"], "unknown option '--no-such'"),
        (["-p", "x", "-Z"], "unknown option '-Z'"),
        (["-p", "x", "-EZ"], "unknown option '-Z' in '-EZ'"),
        (
            ["-p", "x", "--work", "y"],
            "'--work' may mean --workload, --workflow, --workflow-start, --workflow-jobs-limit",
        ),
        (["-p", "x", "--energy=yes"], "'--energy' takes no value, but got 'yes'"),
        (["-p", "x", "--mmax", "many"], "'--mmax': 'many' is not an integer"),
        (["-p", "x", "--redis-port", "6k"], "'--redis-port': '6k' is not an integer"),
        (["-p", "x", "-v", "loud"], "'--verbosity': 'loud' is no level"),
        (["-p", "x", "--sched-cfg", "a", "--sched-cfg-file", "b"], "exclude each other"),
        (["-p", "x", "--enable-profile-reuse"], "needs '--enable-dynamic-jobs'"),
        (["-p", "x", "--scheduler-timeout", "soon"], "'soon' is no number of seconds"),
        (["-p", "x", "--scheduler-timeout", "0"], "'0' is no number of seconds"),
        (["-p", "x", "--scheduler-timeout", "nan"], "'nan' is no number of seconds"),
        (["-p", "x", "--sg-cfg", "host/model"], "not of the form NAME:VALUE"),
        (["-p", "x", "--sg-log", "network"], "not of the form CATEGORY.thresh:LEVEL"),
        (["-p", "x", "--sg-log", "network.thresh:loud"], "'loud' is no level"),
    ],
)
def test_what_breaks_a_rule(words: list[str], wording: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_options(words)
    assert wording in str(caught.value)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_cannot_be_honoured_is_refused_by_name(name: str) -> None:
    value = ["1"] if next(option for option in OPTIONS if option.name == name).value else []
    with pytest.raises(UnsupportedError) as caught:
        parse_options(["-p", "x", name, *value])
    assert str(caught.value).startswith(f"option '{name}': ")


def test_a_refused_option_wins_over_other_mistakes() -> None:
    with pytest.raises(UnsupportedError):
        parse_options(["--no-sched", "--mmax", "many"])


@pytest.mark.parametrize(
    "setting",
    [
        "host/model:ptask_L07",
        "precision/timing:1e-9",
        "surf/precision:1e-09",
        "maxmin/precision:0.00001",
        "contexts/stack-size:16",
    ],
)
def test_settings_of_simgrid_that_change_nothing_are_taken(setting: str) -> None:
    assert parse_options(["-p", "x", "--sg-cfg", setting]).settings == (setting,)


@pytest.mark.parametrize(
    ("setting", "wording"),
    [
        ("host/model:compound", "it is always ptask_L07 here"),
        ("precision/timing:1e-6", "it is always 1e-9 here"),
        ("network/latency-factor:2", "it would change SimGrid's results or outputs"),
        ("tracing:yes", "it would change SimGrid's results or outputs"),
    ],
)
def test_settings_of_simgrid_with_an_effect_are_refused(setting: str, wording: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse_options(["-p", "x", "--sg-cfg", setting])
    assert f"option '--sg-cfg {setting}': {wording}" in str(caught.value)


@pytest.mark.parametrize(
    ("controls", "levels"),
    [
        (["root.thresh:critical"], (CRITICAL, CRITICAL, CRITICAL)),
        (["network.thresh:error"], (INFO, ERROR, INFO)),
        (["network.thresh:error server.threshold:debug"], (INFO, ERROR, DEBUG)),
        (["root.thresh:error", "batsim.thresh:info"], (INFO, ERROR, ERROR)),
        (["surf_energy.thresh:critical"], (INFO, INFO, INFO)),
    ],
)
def test_thresholds_of_the_log(controls: list[str], levels: tuple[int, int, int]) -> None:
    words = [word for control in controls for word in ("--sg-log", control)]
    assert tuple(parse_options(["-p", "x", *words]).thresholds.values()) == levels


@pytest.mark.parametrize("control", ["surf_energy.thresh:debug", "root.fmt:%m", "network.app:file:log"])
def test_other_controls_of_the_log_are_refused(control: str) -> None:
    with pytest.raises(UnsupportedError, match="--sg-log"):
        parse_options(["-p", "x", "--sg-log", control])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["-h"], "--help"),
        (["-p", "x", "--help"], "--help"),
        (["--version", "--help"], "--help"),
        (["--version"], "--version"),
        (["-p", "x", "--vers"], "--version"),
        (["--simgrid-version"], "--simgrid-version"),
        (["-p", "x"], ""),
    ],
)
def test_what_is_shown_instead(words: list[str], shown: str) -> None:
    assert shown_instead(words) == shown


def test_the_version_of_simgrid_stands_alone() -> None:
    with pytest.raises(UsageError, match="stands alone"):
        shown_instead(["--simgrid-version", "-p", "x"])


def test_execution_context() -> None:
    text = context_text(parse_options(["-p", "x", "-e", "a/b", "-s", "tcp://h:1", "--redis-port", "7"]))
    assert text == (
        '{"socket_endpoint":"tcp://h:1","redis_enabled":false,"redis_hostname":"127.0.0.1","redis_port":7,'
        '"redis_prefix":"default","export_prefix":"a/b","external_scheduler":true}\n'
    )
    assert list(json.loads(text)) == [
        "socket_endpoint",
        "redis_enabled",
        "redis_hostname",
        "redis_port",
        "redis_prefix",
        "export_prefix",
        "external_scheduler",
    ]


def test_no_option_is_taken_and_ignored() -> None:
    """Each option, given alone, changes some field, is shown, or is refused."""
    values = {"--mmax": "3", "--redis-port": "3", "--verbosity": "debug", "--scheduler-timeout": "3"}
    values |= {"--sg-cfg": "contexts/nthreads:1", "--sg-log": "root.thresh:error"}
    for option in OPTIONS:
        if option.name in REFUSED or option.name in ("--help", "--version", "--simgrid-version", "--platform"):
            continue
        words = ["-p", "p.xml", option.name, *([values.get(option.name, "x")] if option.value else [])]
        words += ["--enable-dynamic-jobs"] if option.name == "--enable-profile-reuse" else []
        words += ["--events", "x"] if option.name == "--forward-unknown-events" else []
        parsed = parse_options(words)
        changed = {f.name for f in fields(parsed) if getattr(parsed, f.name) != getattr(DEFAULTS, f.name)}
        assert changed - {"dynamic_jobs", "events"} or option.name in ("--enable-dynamic-jobs", "--events"), option.name


NAMES = st.sampled_from(
    [option.name for option in OPTIONS] + [o.letter for o in OPTIONS if o.letter] + ["-", "--", "x"]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(NAMES | st.text(max_size=8) | st.builds("{}={}".format, NAMES, st.text(max_size=4)), max_size=8))
def test_any_command_line_is_taken_or_refused(words: list[str]) -> None:
    with suppress(UsageError, UnsupportedError):
        shown_instead(words)
        parse_options(words)


def test_letters_without_long_names_in_common() -> None:
    options = (Option("--alpha", "-a"), Option("--beta", "-b", "N"))
    assert split(["-aab7", "--beta=8", "--al"], options) == {"--alpha": ["", "", ""], "--beta": ["7", "8"]}
