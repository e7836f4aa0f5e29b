"""The admin token of a local system."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from infra.cli.setup.admin_token import ensure_admin_token
from infra.settings import Settings


@pytest.mark.integration
def test_the_token_is_made_once_and_logged_without_its_secret(
    projected_url: str, tmp_path: Path
) -> None:
    settings, path = Settings.from_environment({"DATABASE_URL": projected_url}), tmp_path / "token"
    with capture_logs() as lines:
        ensure_admin_token(settings, path)
        ensure_admin_token(settings, path)
    _, token_id, secret = path.read_text().strip().split("_", 2)
    assert lines == [
        {
            "event": "token created", "log_level": "info", "token": token_id, "role": "admin",
            "name": "local administrator",
        }
    ]  # fmt: skip
    assert secret not in str(lines)
