"""Settings: file, environment, defaults, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from wattq.cli import main
from wattq.errors import InvalidInputError, MissingFileError
from wattq.settings import Settings, find_settings, load_settings, settings_origins, shown

NOTHING = {"HOME": "/nonexistent"}


def test_defaults() -> None:
    assert load_settings(environ=NOTHING) == Settings()


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = tmp_path / "wattq.yaml"
    path.write_text("api:\n  port: 8080\n  host: 0.0.0.0\nnode: {gpus: 4}\n", encoding="utf-8")
    environ = {"WATTQ_CONFIG": str(path), "WATTQ_API_PORT": "9000", "WATTQ_DATA": "elsewhere", "HOME": "/nonexistent"}
    settings = load_settings(environ=environ)
    assert (settings.api.host, settings.api.port, settings.node.gpus) == ("0.0.0.0", 9000, 4)
    origins = settings_origins(environ=environ)
    assert (origins["api.port"], origins["api.host"]) == ("$WATTQ_API_PORT", str(path))
    assert origins["store.url"] == "default"


def test_where_the_file_is_looked_for(tmp_path: Path) -> None:
    own = tmp_path / ".config" / "wattq" / "wattq.yaml"
    own.parent.mkdir(parents=True)
    own.write_text("", encoding="utf-8")
    assert find_settings(environ={"HOME": str(tmp_path)}) == own
    assert find_settings(environ={"HOME": str(tmp_path), "WATTQ_CONFIG": "a.yaml"}) == Path("a.yaml")
    assert find_settings(Path("b.yaml"), {"WATTQ_CONFIG": "a.yaml"}) == Path("b.yaml")
    assert load_settings(environ={"HOME": str(tmp_path)}) == Settings()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("api: {prot: 1}", "wattq.yaml, line 1, key 'api.prot'"),
        ("apo: {port: 1}", "wattq.yaml, line 1, key 'apo'"),
        ("api: {port: 70000}", "wattq.yaml, line 1, key 'api.port'"),
        ("signals: {pue: .nan}", "wattq.yaml, line 1"),
        ("- 1", "is no settings file; write sections: store, node"),
    ],
)
def test_a_wrong_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wattq.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInputError) as caught:
        load_settings(path, {})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("WATTQ_API_PRT", "1", "environment, WATTQ_API_PRT: is no setting of wattq; did you mean WATTQ_API_PORT"),
        ("WATTQ_STORE_XYZ", "1", "environment, WATTQ_STORE_XYZ: is no setting of wattq; there are url"),
        ("WATTQ_API_PORT", "many", "environment, $WATTQ_API_PORT: 'many': Input should be a valid integer"),
    ],
)
def test_a_wrong_environment(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_settings(environ=NOTHING | {name: value})
    assert message in str(caught.value)


def test_no_such_file() -> None:
    with pytest.raises(MissingFileError, match=r"nowhere\.yaml: cannot be read"):
        load_settings(Path("nowhere.yaml"), {})


def test_config_show(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WATTQ_STORE_URL", "postgresql://me:secret@host/db")
    with pytest.raises(SystemExit) as end:
        main(["config", "show"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "  url: postgresql://me:***@host/db  # database" in printed
    assert "($WATTQ_STORE_URL)" in printed
    assert "secret" not in printed


def test_every_setting_is_described() -> None:
    for section in Settings.model_fields.values():
        assert all(field.description for field in type(section.default).model_fields.values())


def test_passwords_are_not_shown() -> None:
    assert shown("redis://:pw@host:1/0") == "redis://:***@host:1/0"
    assert shown("/a/path") == "/a/path"
