"""What the document cannot say of values: a time is not ahead."""

from datetime import UTC, datetime

import schemathesis
from hypothesis import strategies as st

_PAST = st.datetimes(datetime(1, 1, 2), datetime(2025, 1, 1), timezones=st.just(UTC))

schemathesis.openapi.format("date-time", _PAST.map(lambda time: time.isoformat()))
