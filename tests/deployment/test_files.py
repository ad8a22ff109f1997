"""What can be known of the deployment's files without running containers.

That the images build and start is not shown here: no registry of images can be reached from where
these tests run. docs/operating.md says so.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from src.cli import cli
from src.config import Group, Settings
from src.main import create_app
from tests.deployment.nginx import NGINX, write_nginx_conf

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("migrate", "api", "worker")
# Read by libraries, not by us: obstore's names for S3.
FOREIGN = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
LOCK = (ROOT / "requirements" / "base.txt").read_text()


def read_manifests() -> Iterator[dict[str, Any]]:
    for path in sorted(KUBERNETES.glob("*.yaml")):
        yield from yaml.safe_load_all(path.read_text())


def find_manifests(*kinds: str) -> list[dict[str, Any]]:
    return [manifest for manifest in read_manifests() if manifest["kind"] in kinds]


WORKLOADS = find_manifests("Deployment", "Job")


def list_settings() -> set[str]:
    names = set()
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, Group):
            names |= {f"{name}_{inner}".upper() for inner in type(field.default).model_fields}
        else:
            names.add(name.upper())
    return names


def list_commands() -> set[str]:
    return {command.name or command.callback.__name__ for command in cli.registered_commands}  # type: ignore[union-attr]  # every command has a function


def read_kubernetes_env() -> dict[str, str]:
    [config] = find_manifests("ConfigMap")
    [secret] = find_manifests("Secret")
    return {**config["data"], **secret["stringData"]}


def load_settings(env: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


@pytest.mark.parametrize("service", OURS)
def test_compose_sets_what_exists_and_all_that_production_needs(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment: dict[str, str] = COMPOSE["services"][service]["environment"]
    assert environment.keys() <= list_settings()
    filled = {name: re.sub(r"\$\{\w+:\?\}", "x" * 40, value) for name, value in environment.items()}
    filled = {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value) for name, value in filled.items()}
    assert "${" not in "".join(filled.values())
    settings = load_settings({**filled, "ENVIRONMENT": "production"}, monkeypatch)
    assert settings.environment == "production"


def test_kubernetes_sets_what_exists_and_all_that_production_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    env = read_kubernetes_env()
    for workload in WORKLOADS:
        [container] = workload["spec"]["template"]["spec"]["containers"]
        env |= {entry["name"]: entry["value"] for entry in container.get("env", [])}
    assert env.keys() <= list_settings() | FOREIGN
    assert load_settings(env, monkeypatch).environment == "production"


def test_every_command_exists() -> None:
    commands = [COMPOSE["services"][service]["command"] for service in OURS]
    commands += [w["spec"]["template"]["spec"]["containers"][0]["args"] for w in WORKLOADS]
    assert {command[0] for command in commands} <= list_commands()


def test_compose_names_only_what_it_has() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, (name, other)
            has_check = "healthcheck" in services[other] or services[other].get("build")
            assert how["condition"] != "service_healthy" or has_check, (name, other)
        assert set(service.get("networks", ["default"])) <= COMPOSE["networks"].keys(), name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            is_there = (
                (ROOT / source).exists() if source[0] == "." else source in COMPOSE["volumes"]
            )
            assert is_there, (name, volume)


def test_compose_keeps_its_parts_to_itself() -> None:
    """One port, on this machine; no password in the file; nothing of ours can write or gain."""
    published = {n: s["ports"] for n, s in COMPOSE["services"].items() if "ports" in s}
    assert published == {"nginx": ["127.0.0.1:8080:8080"]}
    assert COMPOSE["networks"]["back"]["internal"] is True
    for name, service in COMPOSE["services"].items():
        for variable, value in service.get("environment", {}).items():
            is_secret = re.search(r"PASSWORD|API_KEY|SECRET|DATABASE_URL", variable)
            assert not is_secret or re.search(r"\$\{\w+:\?\}", value), (name, variable)
        assert not service.get("image", "").endswith(":latest"), name
    for name in (*OURS, "nginx"):
        service = COMPOSE["services"][name]
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_two_of_each_process_run() -> None:
    for name in ("api", "worker"):
        assert COMPOSE["services"][name]["deploy"]["replicas"] == 2
    assert [w["spec"]["replicas"] for w in find_manifests("Deployment")] == [2, 2]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload["metadata"]["name"])
def test_pods_have_the_least_of_everything(workload: dict[str, Any]) -> None:
    """The restricted profile of Kubernetes' pod security standards, and more."""
    pod = workload["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    [container] = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp"}  # noqa: S108, in a container


def test_probes_ask_what_exists() -> None:
    paths = create_app(Settings(_env_file=None)).openapi()["paths"].keys()
    for deployment in find_manifests("Deployment"):
        [container] = deployment["spec"]["template"]["spec"]["containers"]
        asked = {kind: container[kind]["httpGet"]["path"] for kind in container if "Probe" in kind}
        assert set(asked.values()) <= paths
        # A part that is away must not make Kubernetes kill what waits for it, or cut it off.
        assert asked["livenessProbe"] == "/health/live"
        assert asked["startupProbe"] in {"/health/startup", "/health/live"}
        assert asked.get("readinessProbe", "/health/serving") == "/health/serving"
    [api] = [d for d in find_manifests("Deployment") if d["metadata"]["name"] == "colloquy-api"]
    [container] = api["spec"]["template"]["spec"]["containers"]
    assert container["startupProbe"]["httpGet"]["path"] == "/health/startup"
    assert "readinessProbe" in container


def test_selectors_find_pods() -> None:
    labels = [w["spec"]["template"]["metadata"]["labels"] for w in find_manifests("Deployment")]
    selectors = [m["spec"]["selector"] for m in find_manifests("Service")]
    selectors += [
        m["spec"]["selector"]["matchLabels"]
        for m in find_manifests("PodDisruptionBudget", "Deployment")
    ]
    assert all(any(s.items() <= each.items() for each in labels) for s in selectors)


def test_there_is_time_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers get their grace before anything is killed."""
    grace = load_settings(read_kubernetes_env(), monkeypatch).chat.shutdown_grace_seconds
    for deployment in find_manifests("Deployment"):
        assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > grace + 10


def read_dockerfile() -> list[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def test_the_image_is_small_and_has_no_root() -> None:
    """The rules of hadolint that matter here, and the promises of the file itself."""
    instructions = read_dockerfile()
    last_stage = max(n for n, (word, _) in enumerate(instructions) if word == "FROM")
    final = dict(instructions[last_stage:])
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", final["USER"])
    assert final["ENTRYPOINT"] == '["colloquy"]'
    assert final["CMD"] == '["serve"]'
    assert final["STOPSIGNAL"] == "SIGTERM"
    assert "/health/live" in final["HEALTHCHECK"]
    assert "ADD" not in dict(instructions)
    assert sum(word == "FROM" for word, _ in instructions) == 2
    for word, rest in instructions[last_stage:]:
        assert word != "COPY" or rest.startswith("--from=build")
    installs = [rest for word, rest in instructions if word == "RUN" and "pip install" in rest]
    assert all("--require-hashes" in rest or "--no-deps" in rest for rest in installs)
    default = dict(i.split("=") for word, i in instructions if word == "ARG")["PYTHON"]
    assert re.fullmatch(r"3\.\d+-slim-\w+", default)


def test_the_builder_gets_all_it_copies_and_nothing_else() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert "*" in ignored
    sent = {line[1:] for line in ignored if line.startswith("!")}
    copied = [rest.split()[:-1] for word, rest in read_dockerfile() if word == "COPY"]
    named = {name for names in copied for name in names if not names[0].startswith("--")}
    assert named == sent
    assert all((ROOT / name).exists() for name in sent)
    # What the code finds beside itself, and the console script, must be where it looks.
    assert {"alembic", "alembic.ini", "logging.ini", "src", "pyproject.toml"} <= named


def test_the_vector_server_is_not_older_than_its_client() -> None:
    image = COMPOSE["services"]["qdrant"]["image"]
    [server] = re.findall(r":v(\d+\.\d+)\.", image)
    [client] = re.findall(r"^qdrant-client==(\d+\.\d+)\.", LOCK, re.MULTILINE)
    assert server == client


def test_nginx_passes_streams_and_uploads_on() -> None:
    text = (ROOT / "deploy" / "nginx" / "nginx.conf").read_text()
    for line in (
        "proxy_buffering off;",
        "proxy_request_buffering off;",
        "client_max_body_size 0;",
        "proxy_set_header Upgrade $http_upgrade;",
        "proxy_http_version 1.1;",
    ):
        assert line in text
    [seconds] = re.findall(r"proxy_read_timeout (\d+)s", text)
    assert int(seconds) > Settings(_env_file=None).ollama.total_timeout_seconds


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    conf = write_nginx_conf(tmp_path, port=18080, ports=[18081, 18082])
    tested = subprocess.run(  # noqa: S603, our own file
        [str(NGINX), "-t", "-c", str(conf)], check=False, capture_output=True, text=True
    )
    assert tested.returncode == 0, tested.stderr
