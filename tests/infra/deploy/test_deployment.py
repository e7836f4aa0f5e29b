"""What can be known of the deployment files without running them."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from infra.cli.main import verdicts
from infra.setting_values import SettingsError
from infra.settings import VARIABLES, Settings

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "infra" / "deploy"
PACKAGES = ("infra", "projections", "publishers", "schemas", "streams")
# What the code reads at run time; nothing else goes with it.
READ = (
    "infra/embedded/kafka/*.toml",
    "publishers/static/*",
    "publishers/templates/**/*.*",
    "schemas/avro/*.avsc",
    "schemas/examples/*",
    "streams/api/templates/*",
    "streams/demo/content/**/*.md",
    "streams/demo/content/story.yaml",
)
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kubernetes" / "kustomization.yaml").read_text())


def example(name: str) -> str:
    """The file that stands for one that everybody fills in alone."""
    return "secret.example.yaml" if name == "secret.yaml" else name


MANIFESTS = [
    manifest
    for name in KUSTOMIZATION["resources"]
    for manifest in yaml.safe_load_all((DEPLOY / "kubernetes" / example(name)).read_text())
]
OUR_IMAGE = "verdicts"
KEYS = {"VERDICTS_SECRET_KEY", "VERDICTS_VOTER_KEY"}
SERVERS = {"KAFKA_BOOTSTRAP_SERVERS", "KAFKA_SASL_PASSWORD", "DATABASE_URL"}


def known(name: str) -> bool:
    patterns = (re.escape(variable.name).replace(r"\*", ".+") for variable in VARIABLES)
    return any(re.fullmatch(pattern, name) for pattern in patterns)


def exists(arguments: list[str]) -> bool:
    """Whether these are verbs of the command line, the last one not a group."""
    command: click.Command | None = verdicts
    for argument in arguments:
        if not isinstance(command, click.Group):
            return False
        command = command.get_command(click.Context(command), argument)
    return command is not None and not isinstance(command, click.Group)


def manifests(kind: str) -> dict[str, Any]:
    return {
        manifest["metadata"]["name"]: manifest for manifest in MANIFESTS if manifest["kind"] == kind
    }


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    for manifest in MANIFESTS:
        if template := manifest.get("spec", {}).get("template"):
            yield manifest["metadata"]["name"], template


PODS = dict(pods())
OURS = {
    name: pod for name, pod in PODS.items() if pod["spec"]["containers"][0]["image"] == OUR_IMAGE
}
SERVICES = {
    name: service for name, service in COMPOSE["services"].items() if service["image"] == OUR_IMAGE
}


def environment(pod: dict[str, Any]) -> set[str]:
    """The names of all variables that a pod's container gets."""
    (container,) = pod["spec"]["containers"]
    names = {variable["name"] for variable in container.get("env", ())}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            names |= set(manifests("ConfigMap")[source["configMapRef"]["name"]]["data"])
        else:
            names |= set(manifests("Secret")[source["secretRef"]["name"]]["stringData"])
    return names


def test_both_run_every_service_and_what_comes_before_them() -> None:
    assert (
        set(SERVICES)
        == set(OURS)
        == {
            "api",
            "worker",
            "publisher",
            "mailer",
            "migrate",
            "topics",
        }
    )


@pytest.mark.parametrize("name", SERVICES)
def test_compose_runs_verbs_that_exist_with_settings_that_exist(name: str) -> None:
    service = SERVICES[name]
    assert exists(service["command"])
    assert set(service["environment"]) >= KEYS | SERVERS
    assert [variable for variable in service["environment"] if not known(variable)] == []


@pytest.mark.parametrize("name", OURS)
def test_kubernetes_runs_verbs_that_exist_with_settings_that_exist(name: str) -> None:
    (container,) = OURS[name]["spec"]["containers"]
    assert exists(container["args"])
    names = environment(OURS[name])
    assert names >= KEYS | SERVERS
    assert {variable for variable in names if not known(variable)} == {"POSTGRES_PASSWORD"}


def test_compose_names_only_what_it_has() -> None:
    for service in COMPOSE["services"].values():
        assert set(service.get("depends_on", ())) <= set(COMPOSE["services"])
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert (DEPLOY / source).exists() if source[0] == "." else source in COMPOSE["volumes"]


def brokers(environment: dict[str, Any]) -> tuple[str, str]:
    return str(environment["KAFKA_DEFAULT_REPLICATION_FACTOR"]), str(
        environment["KAFKA_MIN_INSYNC_REPLICAS"]
    )


def test_three_brokers_keep_what_one_may_lose() -> None:
    compose = [
        service
        for service in COMPOSE["services"].values()
        if "KAFKA_NODE_ID" in service.get("environment", {})
    ]
    assert len(compose) == manifests("StatefulSet")["kafka"]["spec"]["replicas"] == 3
    assert {brokers(service["environment"]) for service in compose} == {("3", "2")}
    (container,) = PODS["kafka"]["spec"]["containers"]
    assert brokers({variable["name"]: variable.get("value") for variable in container["env"]}) == (
        "3",
        "2",
    )
    bootstrap = manifests("ConfigMap")["verdicts"]["data"]["KAFKA_BOOTSTRAP_SERVERS"].split(",")
    assert bootstrap == [f"kafka-{number}.kafka:9092" for number in range(3)]


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_found_by_its_labels_and_mounts_what_it_has(name: str) -> None:
    pod, spec = PODS[name], PODS[name]["spec"]
    for manifest in MANIFESTS:
        if manifest["metadata"]["name"] == name and "selector" in manifest.get("spec", {}):
            selector = manifest["spec"]["selector"]
            assert selector.get("matchLabels", selector) == pod["metadata"]["labels"]
    (container,) = spec["containers"]
    volumes = {volume["name"] for volume in spec.get("volumes", ())}
    claims = manifests("StatefulSet").get(name, {}).get("spec", {}).get("volumeClaimTemplates", ())
    volumes |= {claim["metadata"]["name"] for claim in claims}
    assert {mount["name"] for mount in container.get("volumeMounts", ())} == volumes
    ports = {port["name"] for port in container.get("ports", ())}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        check = container.get(probe, {})
        asked = check.get("httpGet") or check.get("tcpSocket")
        assert asked is None or asked["port"] in ports


@pytest.mark.parametrize("name", PODS)
def test_a_pod_may_do_no_more_than_it_must(name: str) -> None:
    spec = PODS[name]["spec"]
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "memory" in container["resources"]["limits"]


@pytest.mark.parametrize("name", ["worker", "publisher", "mailer"])
def test_partitions_do_not_wait_for_a_pod_that_comes_back_under_another_name(name: str) -> None:
    """Who has a stable name does not leave its group when it ends."""
    (container,) = OURS[name]["spec"]["containers"]
    assert "VERDICTS_INSTANCE" not in {variable["name"] for variable in container.get("env", ())}


def test_probes_ask_paths_that_the_api_answers() -> None:
    (api,) = OURS["api"]["spec"]["containers"]
    asked = {api[probe]["httpGet"]["path"] for probe in ("livenessProbe", "readinessProbe")}
    source = (ROOT / "streams" / "api" / "routes.py").read_text()
    assert asked == {"/healthz", "/readyz"}
    assert all(f'Route("{path}"' in source for path in asked)


def test_metrics_are_scraped_where_they_are_served() -> None:
    prometheus = yaml.safe_load((DEPLOY / "alerts" / "prometheus.yaml").read_text())
    for job in prometheus["scrape_configs"]:
        (asked,) = job["dns_sd_configs"]
        (name,) = asked["names"]
        service = COMPOSE["services"][name]
        listens = service["environment"].get("VERDICTS_METRICS", ":8080")
        assert listens.endswith(f":{asked['port']}")
    for name in ("worker", "publisher", "mailer"):
        annotations = OURS[name]["metadata"]["annotations"]
        metrics = manifests("ConfigMap")["verdicts"]["data"]["VERDICTS_METRICS"]
        assert metrics.endswith(f":{annotations['prometheus.io/port']}")
    for file in prometheus["rule_files"]:
        assert (DEPLOY / "alerts" / file).exists()


def test_no_secret_stands_in_the_files() -> None:
    for secret in manifests("Secret").values():
        assert all("replace-me" in value for value in secret["stringData"].values())
    for service in SERVICES.values():
        assert all(service["environment"][key].startswith("${") for key in KEYS)


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_placeholder_of_a_key_starts_no_service(key: str) -> None:
    placeholder = manifests("Secret")["verdicts"]["stringData"][key]
    with pytest.raises(SettingsError, match=f"{key} is the placeholder"):
        Settings.from_environment({key: placeholder})


def test_every_listener_of_a_broker_asks_for_a_password() -> None:
    (container,) = PODS["kafka"]["spec"]["containers"]
    in_kubernetes = {variable["name"]: variable.get("value") for variable in container["env"]}
    for environment in (COMPOSE["services"]["kafka-1"]["environment"], in_kubernetes):
        protocols = environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
        assert {each.partition(":")[2] for each in protocols} == {"SASL_PLAINTEXT"}


def test_no_variable_of_compose_that_holds_a_secret_has_a_default() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    secrets = set(re.findall(r"\$\{(\w+(?:PASSWORD|KEY))\b", text))
    assert len(secrets) == 6
    assert {name for name in secrets if f"${{{name}:?" not in text} == set()
    assert {name for name in secrets if re.search(rf"\$\{{{name}:?-", text)} == set()


def test_every_image_of_others_has_a_version_and_one_digest() -> None:
    images = {service["image"] for service in COMPOSE["services"].values()}
    for pod in PODS.values():
        containers = [*pod["spec"]["containers"], *pod["spec"].get("initContainers", ())]
        images |= {container["image"] for container in containers}
    images |= set(
        re.findall(r"^ARG PYTHON=(.+)$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE)
    )
    others = images - {OUR_IMAGE}
    assert all(re.fullmatch(r"[a-z/]+:v?\d\S*@sha256:[0-9a-f]{64}", image) for image in others)
    assert len({image.partition(":")[0] for image in others}) == len(others) == 5


def test_the_brokers_password_reaches_no_service() -> None:
    for service in SERVICES.values():
        assert "BROKER_PASSWORD" not in str(service["environment"])
    for pod in OURS.values():
        assert "BROKER_PASSWORD" not in environment(pod)


def test_nobody_gets_a_default_password_or_trust_that_nobody_chose() -> None:
    grafana = COMPOSE["services"]["grafana"]["environment"]
    assert "GF_AUTH_ANONYMOUS_ENABLED" not in grafana
    assert grafana["GF_SECURITY_ADMIN_PASSWORD"].startswith("${GRAFANA_PASSWORD:?")
    with pytest.raises(SettingsError, match="VERDICTS_TRUSTED_PROXIES"):
        Settings.from_environment(manifests("ConfigMap")["verdicts"]["data"])
    assert SERVICES["api"]["environment"]["VERDICTS_TRUSTED_PROXIES"].endswith(":-}")


def test_every_address_of_a_database_says_whether_it_is_encrypted() -> None:
    addresses = {service["environment"]["DATABASE_URL"] for service in SERVICES.values()}
    addresses.add(manifests("Secret")["verdicts"]["stringData"]["DATABASE_URL"])
    assert all("sslmode=" in address for address in addresses)


def selects(selector: dict[str, Any], app: str) -> bool:
    (expression,) = selector.get("matchExpressions", [None])
    if expression:
        return app in expression["values"]
    return selector.get("matchLabels", {}).get("app", app) == app


def flows(direction: str, peers: str) -> set[tuple[str, str, int]]:
    """Pairs of pods and ports that the policies allow in one direction: own pod, peer, port."""
    return {
        (own, other, port["port"])
        for policy in manifests("NetworkPolicy").values()
        for rule in policy["spec"].get(direction, ())
        for peer in rule[peers]
        for port in rule["ports"]
        for own in PODS
        for other in PODS
        if "podSelector" in peer
        and selects(policy["spec"]["podSelector"], own)
        and selects(peer["podSelector"], other)
    }


def test_pods_reach_what_they_need_and_nothing_else() -> None:
    (deny,) = (
        policy["spec"]
        for policy in manifests("NetworkPolicy").values()
        if not policy["spec"].get("egress") and policy["spec"]["podSelector"] == {}
    )
    assert deny["policyTypes"] == ["Ingress", "Egress"]
    outgoing = flows("egress", "to")
    assert outgoing == {(own, other, port) for other, own, port in flows("ingress", "from")}
    kafka = {(own, "kafka", 9092) for own in ("api", "worker", "topics")}
    kafka |= {("kafka", "kafka", 9093), ("kafka", "kafka", 9094), ("kafka-user", "kafka", 9094)}
    database = {(own, "postgres", 5432) for own in OURS}
    assert outgoing == kafka | database


def ignored(path: str) -> bool:
    """Whether Docker leaves a file out: the last pattern decides that matches it or a folder."""
    paths = [path, *map(str, list(Path(path).parents)[:-1])]
    left_out = False
    for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and any(matches(pattern, parent) for parent in paths):
            left_out = pattern == line
    return left_out


def matches(pattern: str, path: str) -> bool:
    known = {"**/": "(.*/)?", "*": "[^/]*"}
    parts = (known.get(part) or re.escape(part) for part in re.split(r"(\*\*/|\*)", pattern))
    return re.fullmatch("".join(parts), path) is not None


SECRETS = (
    "infra/deploy/kubernetes/secret.yaml",
    "infra/deploy/.env",
    ".env",
    "infra/deploy/compose.override.yaml",
)


@pytest.mark.parametrize("file", [*SECRETS, ".verdicts/voter.key", "notes.txt", ".git/config"])
def test_no_file_with_secrets_reaches_the_image_from_which_it_is_built(file: str) -> None:
    assert ignored(file)


def test_all_that_the_image_is_made_of_reaches_it() -> None:
    needed = ["pyproject.toml", "requirements.txt", "README.md", "LICENSE"]
    needed += [str(path.relative_to(ROOT)) for glob in READ for path in ROOT.glob(glob)]
    needed += [
        str(path.relative_to(ROOT)) for name in PACKAGES for path in (ROOT / name).rglob("*.py")
    ]
    assert [file for file in needed if ignored(file)] == []


def test_an_installation_holds_what_the_code_reads_and_nothing_else(tmp_path: Path) -> None:
    for name in PACKAGES:
        unread = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=unread)
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, tmp_path)
    (tmp_path / SECRETS[0]).write_text("DATABASE_URL: postgresql://verdicts:secret@postgres")
    build = "from setuptools import setup; setup()"
    options = ["-q", "build_py", "--build-lib", "built"]
    subprocess.run([sys.executable, "-c", build, *options], cwd=tmp_path, check=True)
    built = tmp_path / "built"
    installed = {str(path.relative_to(built)) for path in built.rglob("*") if path.is_file()}
    globs = (*READ, *(f"{name}/**/*.py" for name in PACKAGES))
    assert installed == {str(path.relative_to(ROOT)) for glob in globs for path in ROOT.glob(glob)}
