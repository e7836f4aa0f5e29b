"""The environment of embedded servers, which holds no secret of this system."""

from collections.abc import Mapping

_SYSTEM = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
_OURS = {"VERDICTS_DATA"}  # names the system to which a process belongs
_JAVA = {"JAVA_HOME", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"}


def server_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that PostgreSQL, Java and the guardian need.

    Keys, tokens, passwords and addresses of other servers stay out: PostgreSQL can run as another
    user, and every process of a user can read the environment of that user's other processes.
    """
    return {
        name: value
        for name, value in environ.items()
        if name in _SYSTEM | _OURS | _JAVA or name.startswith("LC_")
    }
