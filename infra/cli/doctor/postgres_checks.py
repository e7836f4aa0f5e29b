"""Judges the database server: version, migrations, durability, clock, connections, tokens."""

from collections.abc import Mapping
from ipaddress import ip_network

import msgspec

from infra.cli.doctor.finding import Finding, fail, ok, several, warn

CLOCK_SECONDS = 1.0


class Connections(msgspec.Struct, frozen=True):
    """How many connections are open, and the limit."""

    used: int
    limit: int


def version(number: int, least: int) -> Finding:
    """Whether the server is new enough; `number` as in `server_version_num`."""
    major, minor = divmod(number, 10_000)
    if major < least:
        return fail(
            "database",
            f"The database runs PostgreSQL {major}.{minor}.",
            f"Point DATABASE_URL to version {least} or later.",
        )
    return ok("database", f"PostgreSQL {major}.{minor} answers.")


def migrations(current: str | None, newest: str) -> Finding:
    """Whether the permanent tables are those that this code knows."""
    if current == newest:
        return ok("migrations", f"The database is at revision {newest}.")
    if current is not None and current > newest:
        return fail(
            "migrations",
            f"The database is at revision {current}, newer than this code's {newest}.",
            "Start the newer release here too; revisions do not go back.",
        )
    return fail(
        "migrations",
        f"The database is at revision {current or 'none'}, not {newest}.",
        "Run: verdicts migrate",
    )


def durability(settings: Mapping[str, str]) -> Finding:
    """Whether a commit outlives a power cut."""
    if unsafe := [f"{name}={value}" for name, value in settings.items() if value == "off"]:
        return warn(
            "durability",
            f"The database runs with {several(unsafe)}.",
            "Turn it on, or be ready to rebuild projections and to lose tokens at a power cut.",
        )
    return ok("durability", "What is committed outlives a power cut.")


def clock(ahead: float) -> Finding:
    """Whether the database's clock agrees with ours; positive when it is ahead, in seconds."""
    if abs(ahead) > CLOCK_SECONDS:
        direction = "ahead of" if ahead > 0 else "behind"
        return warn(
            "clock",
            f"The database's clock is {abs(ahead):.1f} s {direction} this machine's.",
            "Synchronise both; the law of the log holds, but what is shown as time does not.",
        )
    return ok("clock", f"The database's clock agrees with this machine's ({ahead:+.3f} s).")


def connections(now: Connections) -> Finding:
    """Whether services find a free connection."""
    if now.used > 0.9 * now.limit:
        return warn(
            "connections",
            f"{now.used} of {now.limit} connections of the database are in use.",
            "Raise max_connections, or run fewer replicas.",
        )
    return ok("connections", f"{now.used} of {now.limit} connections of the database are in use.")


def tokens(valid: Mapping[str, int]) -> Finding:
    """Whether an editor or a gateway can send events; the number of valid tokens by role."""
    if not sum(valid.values()):
        return warn(
            "tokens",
            "There is no valid token, so no editor or gateway can send.",
            'Make one: verdicts tokens create --role editor --name "the desk"',
        )
    numbers = ", ".join(f"{number} {role}" for role, number in sorted(valid.items()))
    return ok("tokens", f"Valid tokens: {numbers}.")


def proxies(new_voters: Mapping[str, int], limit: int) -> Finding:
    """Whether a private network is at the limit on new voters; counts of this hour by prefix."""
    full = [
        prefix
        for prefix, count in new_voters.items()
        if prefix and count >= limit and ip_network(prefix).is_private
    ]
    if full:
        return warn(
            "proxies",
            f"The limit on new voters is reached by {several(full)}, a private network.",
            "If a proxy is there, name it in VERDICTS_TRUSTED_PROXIES; its readers share a limit.",
        )
    return ok("proxies", "No private network has reached the limit on new voters.")
