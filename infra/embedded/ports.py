"""Free ports on loopback, remembered so that an address stays the same from one run to the next."""

import json
import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"

_OURS = range(20_000, 32_000)


def choose(data: Path, *names: str) -> dict[str, int]:
    """A free port for each name: the one it had last time where that is still free."""
    remembered = _read(data)
    chosen: dict[str, int] = {}
    for name in names:
        before = remembered.get(name, 0)
        usable = before not in chosen.values() and is_free(LOOPBACK, before)
        chosen[name] = before if before and usable else _any_free(set(chosen.values()))
    return chosen


def remember(data: Path, chosen: dict[str, int]) -> None:
    """Keep the ports under which servers have come up."""
    _file(data).write_text(json.dumps({**_read(data), **chosen}, indent=2) + "\n")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now (a closed connection's wait does not count)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def _any_free(taken: set[int]) -> int:
    """One that nobody else is given by chance: the system takes those of clients from higher up."""
    candidates = random.sample(_OURS, len(_OURS))
    return next(port for port in candidates if port not in taken and is_free(LOOPBACK, port))


def _file(data: Path) -> Path:
    return data / "ports.json"


def _read(data: Path) -> dict[str, int]:
    try:
        found = json.loads(_file(data).read_text())
        return {str(name): int(port) for name, port in found.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
