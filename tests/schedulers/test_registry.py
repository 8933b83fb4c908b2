"""Names, parameters and messages."""

from __future__ import annotations

import subprocess
import sys

import pytest

import wattq.schedulers
from wattq.schedulers import POLICIES, POLICY_ALIASES, PolicyError, make_policy, policy_spec

USERS = """
class FirstFit:
    def __init__(self, most=100):
        self.most = most

    def decide(self, view, actions):
        for job in view.queue:
            if view.hosts_of(job) <= min(view.n_free, self.most):
                actions.start(job)

class Lazy:
    pass

ready = FirstFit(3)
"""


def test_listing_policies_loads_no_compiler() -> None:
    code = "import sys, wattq.schedulers as s; assert s.POLICIES; sys.exit('numba' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names_exist() -> None:
    assert all(hasattr(wattq.schedulers, name) for name in wattq.schedulers.__all__)


READY = [name for name in [*POLICIES, *POLICY_ALIASES] if not policy_spec(name)[1].needs]


@pytest.mark.parametrize("name", READY)
def test_every_name_makes_a_policy(name) -> None:
    policy = make_policy(name)
    assert policy.name == POLICY_ALIASES.get(name, name)
    again = make_policy(name.upper().replace("-", "_"))
    assert (type(again), getattr(again, "kind", None)) == (type(policy), getattr(policy, "kind", None))


def test_parameters_become_numbers() -> None:
    assert list(make_policy("easy").par) == [0, 0]
    assert list(make_policy("easy", {"backfill": "sjf"}).par) == [0, 2]
    assert list(make_policy("easy", {"order": "asc_size"}).par) == [4, 4]
    assert list(make_policy("easy-sjbf").par) == [0, 2]
    assert list(make_policy("saf").par) == [6, 0]
    assert list(make_policy("conservative-bf").par) == [0, 5]
    assert list(make_policy("conservative", {"rjms_delay": "2.5", "order": "lcfs"}).par) == [1, 2.5]
    assert make_policy("easy", {"backfill": "sjf"}).params == {"backfill": "sjf"}


@pytest.mark.parametrize(
    ("name", "params", "words"),
    [
        ("esay", {}, ["'esay'", "did you mean", "easy"]),
        ("zzzzzz", {}, ["the built-in ones are", "easy", "path/to/file.py:Class"]),
        ("easy", {"oder": "sjf"}, ["'oder'", "'order'", "'backfill'", "sjf"]),
        ("easy", {"order": "sjff"}, ["'order'", "'sjff'", "smallest"]),
        ("easy", {"order": 3}, ["'order'", "3"]),
        ("easy-bf-fast", {"order": "sjf"}, ["'order'", "it has none"]),
        ("sjf", {"order": "ljf"}, ["'order'", "it has none"]),
        ("easy-bf", {"rjms_delay": -1}, ["'rjms_delay'", "-1", "0 or more"]),
        ("easy-bf", {"rjms_delay": "nan"}, ["'rjms_delay'", "nan"]),
        ("easy-bf", {"rjms_delay": True}, ["'rjms_delay'", "True"]),
        ("nowhere.to.be.found:Policy", {}, ["nowhere", "file.py:Class"]),
        ("nowhere.py:Policy", {}, ["nowhere.py", "does not exist"]),
        ("nowhere.py", {}, ["file.py:Class"]),
        ("math:pi", {}, ["'math:pi'", "decide"]),
    ],
)
def test_errors_say_what_is_valid(name, params, words) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(name, params)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_policies_from_files(tmp_path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(USERS)
    policy = make_policy(f"{path}:FirstFit", {"most": 2})
    assert policy.most == 2
    assert policy.params == {"most": 2}
    assert make_policy(f"{path}:ready").most == 3
    for name, params, words in [
        ("FirstFt", {}, ["'FirstFt'", "FirstFit"]),
        ("Lazy", {}, ["no method 'decide'"]),
        ("FirstFit", {"least": 1}, ["least=1", "TypeError"]),
        ("ready", {"most": 1}, ["takes no parameters"]),
    ]:
        with pytest.raises(PolicyError) as caught:
            make_policy(f"{path}:{name}", params)
        assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize(("text", "line"), [("x = (\n", "line 1"), ("\n\nraise ValueError('no')\n", "line 3")])
def test_errors_in_files_name_the_line(tmp_path, text, line) -> None:
    path = tmp_path / "broken.py"
    path.write_text(text)
    with pytest.raises(PolicyError, match=line):
        make_policy(f"{path}:Policy")
