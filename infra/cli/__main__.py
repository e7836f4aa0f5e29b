"""`python -m infra.cli` is `verdicts`, for processes that are started without the script."""

from infra.cli import main

main()
