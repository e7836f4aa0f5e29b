"""How many examples a slow test tries: few, or many with `--hypothesis-profile thorough`."""

from hypothesis import settings

_THOROUGH = "thorough"
settings.register_profile(_THOROUGH)


def examples(few: int, many: int) -> int:
    """As many as there is time for; each run tries others, unless its test says otherwise."""
    return many if settings.get_current_profile_name() == _THOROUGH else few
