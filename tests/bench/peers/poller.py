"""A loop that asks the database once a second, and rebuilds the whole site when something changed.

The same templates and the same folder layout as ours; only when and what to write differs.
"""

import os
import sys
import time
from pathlib import Path

from infra.postgres.engine import create_engine
from infra.settings import Settings
from publishers.build.incremental_build import SiteBuilder
from publishers.build.site_files import SiteFiles

settings = Settings.from_environment(os.environ)
database = create_engine(settings, name="poller", idle_seconds=0)
builder = SiteBuilder(database, SiteFiles(Path(sys.argv[1])), settings.public_url)
newest, last = "select coalesce(max(version), 0) from tallies", -1
while True:
    with database.connect() as connection:
        now = connection.exec_driver_sql(newest).scalar_one()
    if now != last:
        builder.build_all()
        last = now
    time.sleep(1.0)
