"""The compose files as Docker reads them; where its compose is not installed, as YAML with the variables' defaults."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
SERVER, CLUSTER = "docker-compose.yml", "docker-compose.cluster.yml"
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


def has_docker_compose() -> bool:
    """The client is enough; no engine is asked."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


def by_docker(file: str = SERVER) -> dict[str, Any]:
    command = ["docker", "compose", "--file", file, "--profile", "mosquitto", "config", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def by_yaml(file: str = SERVER) -> dict[str, Any]:
    text = (ROOT / file).read_text()
    return yaml.safe_load(_VARIABLE.sub(lambda match: match[2] or "", text))


def environment(service: str, file: str = SERVER) -> dict[str, str]:
    """What a service is told, with the defaults."""
    told = by_yaml(file)["services"][service]["environment"]
    return {name: "" if value is None else str(value) for name, value in told.items()}


def secrets(service: str, file: str = SERVER) -> dict[str, str]:
    """Which file of `secrets/` a service sees under which name."""
    given = by_yaml(file)["services"][service].get("secrets", [])
    return {each["target"]: each["source"] for each in given if isinstance(each, dict)}


def confined(service: str, file: str = SERVER) -> list[str]:
    """What goes before a command so that root may do no more than in that container. Whoever is not root may less."""
    if os.geteuid() != 0:
        return []
    told = by_yaml(file)["services"][service]
    assert told["cap_drop"] == ["ALL"]
    kept = ",".join(["-all", *(f"+{name.lower()}" for name in told["cap_add"])])
    return ["setpriv", "--no-new-privs", "--bounding-set", kept, "--inh-caps", "-all"]
