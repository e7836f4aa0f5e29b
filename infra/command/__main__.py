"""`python -m infra.command` is `verdicts`, for processes that are started without the script."""

from infra.command.cli import main

main()
