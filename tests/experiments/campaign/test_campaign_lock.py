from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from wattq.errors import CampaignError
from wattq.experiments.campaign import lock
from wattq.experiments.campaign.lock import held


def owner(folder: Path, **facts: object) -> Path:
    """Write a lock of somebody."""
    place = folder / "lock"
    place.mkdir()
    (place / "owner.json").write_text(json.dumps({"nonce": "n", **facts}), encoding="utf-8")
    return place


def test_one_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path):
        message = rf"another campaign runs here \(process {os.getpid()} on .*remove"
        with pytest.raises(CampaignError, match=message), held(tmp_path):
            raise AssertionError
        assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path):
        pass


def test_a_dead_owner_is_followed(tmp_path: Path) -> None:
    import socket

    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    owner(tmp_path, host=socket.gethostname(), pid=dead.pid, born="1")
    with held(tmp_path):
        assert json.loads((tmp_path / "lock" / "owner.json").read_bytes())["pid"] == os.getpid()
    assert list(tmp_path.iterdir()) == []


def test_a_number_that_came_back_is_another_process(tmp_path: Path) -> None:
    import socket

    owner(tmp_path, host=socket.gethostname(), pid=os.getpid(), born="1")
    with held(tmp_path):
        pass


def test_another_host_by_its_last_renewal(tmp_path: Path) -> None:
    place = owner(tmp_path, host="elsewhere", pid=1, born="1")
    with pytest.raises(CampaignError, match="process 1 on elsewhere"), held(tmp_path):
        raise AssertionError
    old = (place / "owner.json").stat().st_mtime - lock.STALE_S - 60
    os.utime(place / "owner.json", (old, old))
    with held(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_of_nobody(tmp_path: Path) -> None:
    place = tmp_path / "lock"
    place.mkdir()
    (place / "owner.json").write_text("{", encoding="utf-8")
    with pytest.raises(CampaignError, match="somebody who does not say who"), held(tmp_path):
        raise AssertionError


def test_the_lock_of_another_is_not_released(tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / "lock" / "owner.json").write_text(json.dumps({"nonce": "other"}), encoding="utf-8")
    assert (tmp_path / "lock").is_dir()


@pytest.mark.parametrize("renewed_s", [0.01])
def test_it_is_renewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renewed_s: float) -> None:
    import time

    monkeypatch.setattr(lock, "RENEWED_S", renewed_s)
    with held(tmp_path):
        path = tmp_path / "lock" / "owner.json"
        os.utime(path, (0, 0))
        until = time.monotonic() + 20
        while path.stat().st_mtime == 0 and time.monotonic() < until:
            time.sleep(0.01)
        assert path.stat().st_mtime > 0
