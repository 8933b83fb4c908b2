"""The files of the stack: written whole or not at all, no secrets in them, settings that wattq has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_panels import OPS

from wattq.cli import main
from wattq.errors import MissingFileError, TelemetryError
from wattq.settings import Settings, load_settings
from wattq.telemetry import ops
from wattq.telemetry.ops import ROLES, stack_files, write_stack

COMPOSE = OPS / "compose"


def compose() -> dict[str, Any]:
    content = yaml.safe_load((COMPOSE / "docker-compose.yml").read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def environments() -> dict[str, dict[str, str]]:
    return {name: service.get("environment", {}) for name, service in compose()["services"].items()}


def test_writes_every_file(tmp_path: Path) -> None:
    written = write_stack(tmp_path / "stack")
    assert {path.relative_to(tmp_path / "stack") for path in written} == {Path(path) for path in stack_files()}
    assert (tmp_path / "stack" / "compose" / ".env.example").is_file()
    assert not list(tmp_path.rglob("*.part"))


def test_addresses_go_into_both_sets_of_targets(tmp_path: Path) -> None:
    write_stack(tmp_path, {"node": ["n1:9301", "[fd00::1]:9301"], "api": []})
    for place in ("prometheus", "compose"):
        content = yaml.safe_load((tmp_path / place / "targets" / "node.yml").read_text())
        assert content == [{"targets": ["n1:9301", "[fd00::1]:9301"]}]
    assert yaml.safe_load((tmp_path / "compose" / "targets" / "api.yml").read_text()) == [{"targets": ["api:5000"]}]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "n1",
        "n1:",
        ":9301",
        "n1:0",
        "n1:65536",
        "n1:9_3",
        "n1:-1",
        'n"1:9',
        "n1 :9",
        "[fd00:1",
        "[x]:9",
        "http://n1:9",
    ],
)
def test_refuses_what_is_no_address(tmp_path: Path, address: str) -> None:
    with pytest.raises(TelemetryError, match="is no address"):
        write_stack(tmp_path / "stack", {"node": ["n1:9301", address]})
    assert not (tmp_path / "stack").exists()


def test_refuses_an_unknown_role(tmp_path: Path) -> None:
    with pytest.raises(TelemetryError, match="there are node, slurm, api, alertmanager"):
        write_stack(tmp_path, {"nodes": ["n1:9301"]})


def test_keeps_files_that_were_changed(tmp_path: Path) -> None:
    write_stack(tmp_path)
    assert write_stack(tmp_path) == []
    changed = tmp_path / "prometheus" / "alerts.yml"
    changed.write_text("groups: []\n")
    (tmp_path / "prometheus" / "recording.yml").unlink()
    with pytest.raises(TelemetryError, match=r"alerts.yml: is there with another content, as are 0 other files"):
        write_stack(tmp_path)
    assert not (tmp_path / "prometheus" / "recording.yml").exists()
    assert len(write_stack(tmp_path, force=True)) == 2
    assert changed.read_bytes() == (OPS / "prometheus" / "alerts.yml").read_bytes()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(MissingFileError):
        write_stack(tmp_path / "file")


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["telemetry", "stack", str(tmp_path), "--node", "n1:9301", "--node", "n2:9301", "--slurm", "head:9300"]
    with pytest.raises(SystemExit) as end:
        main(words)
    assert not end.value.code
    assert capsys.readouterr().out == f"{len(stack_files())} files written below {tmp_path}\n"
    assert "head:9300" in (tmp_path / "prometheus" / "targets" / "slurm.yml").read_text()
    with pytest.raises(SystemExit) as end:
        main(["telemetry", "stack", str(tmp_path)])
    assert end.value.code == 2
    assert "--force" in capsys.readouterr().err


def test_roles_are_the_targets_of_prometheus() -> None:
    text = (OPS / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    assert sorted(re.findall(r"targets/(\w+)\.yml", text)) == sorted(ROLES)
    for place in ("prometheus", "compose"):
        assert {path.stem for path in (OPS / place / "targets").iterdir()} == set(ROLES)


def test_targets_agree_with_the_settings() -> None:
    """Without containers, Prometheus asks where exporters and API listen by default; with them, where compose says."""
    settings = Settings()
    ports = {"node": settings.exporter.node_port, "slurm": settings.exporter.slurm_port, "api": settings.api.port}
    for role, port in ports.items():
        (here,) = yaml.safe_load((OPS / "prometheus" / "targets" / f"{role}.yml").read_text())
        assert here == {"targets": [f"127.0.0.1:{port}"]}
        (there,) = yaml.safe_load((COMPOSE / "targets" / f"{role}.yml").read_text())
        assert there["targets"][0].endswith(f":{port}")


def test_settings_of_the_containers_exist() -> None:
    """Every variable WATTQ_... is a setting, and its value one that the setting may have."""
    seen = 0
    for name, environment in environments().items():
        given = {key: str(value) for key, value in environment.items() if key.startswith("WATTQ_")}
        filled = {key: re.sub(r"\$\{[^}]*\}", "x", value) for key, value in given.items()}
        load_settings(None, {**filled, "HOME": "/nonexistent"})
        for key in given:
            section, _, field = key.removeprefix("WATTQ_").lower().partition("_")
            assert field in type(getattr(Settings(), section)).model_fields, f"{name}: {key}"
            seen += 1
    assert seen >= 8


def test_no_secret_has_a_default() -> None:
    text = (COMPOSE / "docker-compose.yml").read_text(encoding="utf-8")
    used = dict(re.findall(r"\$\{(\w+)(:\?|:-|)", text))
    secret = {name for name in used if re.search("PASSWORD|WEBHOOK|TOKEN|SECRET", name)}
    assert secret == {
        *("POSTGRES_PASSWORD", "GRAFANA_DB_PASSWORD", "REDIS_PASSWORD", "GRAFANA_ADMIN_PASSWORD"),
        "ALERT_WEBHOOK_URL",
    }
    assert {used[name] for name in secret} == {":?"}
    for environment in environments().values():
        for name, value in environment.items():
            if re.search("PASSWORD|WEBHOOK|AUTH$", name):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name


def test_the_example_names_every_variable_and_no_value() -> None:
    text = (COMPOSE / ".env.example").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Z_]+=", line) for line in lines)
    used = set(re.findall(r"\$\{(\w+)", (COMPOSE / "docker-compose.yml").read_text(encoding="utf-8")))
    assert {line.rstrip("=") for line in lines} == used


def test_data_sources_get_their_variables() -> None:
    text = (OPS / "grafana" / "provisioning" / "datasources" / "wattq.yml").read_text(encoding="utf-8")
    asked = set(re.findall(r"\$\{(\w+)\}", text))
    given = environments()["grafana"]
    assert asked <= set(given)
    assert {name for name in given if not name.startswith("GF_")} == asked


def test_every_service_is_watched_and_restarted() -> None:
    services = compose()["services"]
    assert set(services) == {
        *("database", "redis", "api", "exporter-node", "exporter-slurm", "prometheus", "alertmanager", "grafana")
    }
    for name, service in services.items():
        assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL"), name
        assert service["restart"] == "unless-stopped", name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name


def test_mounted_files_are_there() -> None:
    own = {"./wattq"}  # tokens and bundles of the user
    for service in compose()["services"].values():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith(".") and source not in own:
                assert (COMPOSE / source).exists(), source


def test_commands_of_the_containers_exist(capsys: pytest.CaptureFixture[str]) -> None:
    for service in compose()["services"].values():
        if service["image"].startswith("wattq"):
            with pytest.raises(SystemExit) as end:
                main([*service["command"], "--help"])
            assert not end.value.code, service["command"]
    assert "Usage: wattq" in capsys.readouterr().out


def test_images_are_named_with_a_version_and_without_a_registry() -> None:
    for service in compose()["services"].values():
        if not service["image"].startswith("wattq"):
            assert re.fullmatch(r"[a-z]+(/[a-z]+)?:v?\d[\w.-]+", service["image"])


def test_the_container_runs_wattq_as_nobody_special() -> None:
    text = (COMPOSE / "Containerfile").read_text(encoding="utf-8")
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", text, re.MULTILINE)
    assert [name for _, name in stages] == ["wattq", "wattq-slurm"]
    assert {service["build"]["target"] for service in compose()["services"].values() if "build" in service} == {
        "wattq",
        "wattq-slurm",
    }
    assert 'ENTRYPOINT ["wattq"]' in text
    assert re.findall(r"^USER (\d+)$", text, re.MULTILINE)[-1] == "10001"
    extras = set(re.findall(r"\[([\w,]+)\]\"", text)[0].split(","))
    assert extras == {"telemetry", "api", "redis"}


def test_no_file_names_an_index_of_packages_or_a_registry() -> None:
    for path, content in stack_files().items():
        hosts = re.findall(r"\b(?:[\w-]+\.)+(?:io|org|com|dev)\b", content.decode())
        assert hosts == [], path


def test_dashboards_are_where_grafana_looks() -> None:
    provider = yaml.safe_load((OPS / "grafana" / "provisioning" / "dashboards" / "wattq.yml").read_text())["providers"][
        0
    ]
    mounts = [volume.split(":") for volume in compose()["services"]["grafana"]["volumes"]]
    assert ["../grafana/dashboards", provider["options"]["path"], "ro"] in mounts
    for path in (OPS / "grafana" / "dashboards").iterdir():
        text = path.read_text(encoding="utf-8")
        assert text == json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", "indent by 2, as Grafana does"


def test_public_names_are_documented(repo_dir: Path) -> None:
    page = (repo_dir / "docs" / "telemetry-ops.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \|", page[page.index("## Public names") :], re.MULTILINE)
    assert sorted(rows) == sorted(ops.__all__)
    assert "generated: api wattq.telemetry.ops -->" in (repo_dir / "docs" / "api.md").read_text(encoding="utf-8")
