"""Free ports on loopback, stored so that addresses stay the same from one run to the next."""

import json
import random
import socket
from pathlib import Path

from infra.embedded.private_file import write_private

LOOPBACK = "127.0.0.1"

_CANDIDATES = range(20_000, 32_000)


def choose(data: Path, *names: str) -> dict[str, int]:
    """Choose a free port for each name: the stored one, if it is still free."""
    stored = _read(data)
    chosen: dict[str, int] = {}
    for name in names:
        port = stored.get(name, 0)
        usable = port not in chosen.values() and is_free(LOOPBACK, port)
        chosen[name] = port if port and usable else _any_free(set(chosen.values()))
    return chosen


def remember(data: Path, chosen: dict[str, int]) -> None:
    """Store the ports of servers that have started, unless they are stored already.

    Raises:
        OSError: The file cannot be written; the stored ports are unchanged.
    """
    stored = _read(data)
    if (ports := {**stored, **chosen}) != stored:
        write_private(_file(data), json.dumps(ports, indent=2) + "\n")


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen there now; ports in TIME_WAIT count as free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    """Return a free port below the range from which the system gives ports to clients."""
    candidates = random.sample(_CANDIDATES, len(_CANDIDATES))
    return next(port for port in candidates if port not in taken and is_free(LOOPBACK, port))


def _file(data: Path) -> Path:
    return data / "ports.json"


def _read(data: Path) -> dict[str, int]:
    try:
        ports = json.loads(_file(data).read_text())
        return {str(name): int(port) for name, port in ports.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
