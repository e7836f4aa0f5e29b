"""`python -m infra.command` is `verdicts`, for processes that are started without the script."""

from infra.command import main

main()
