"""What people would use instead, written as its documentation shows it."""

BARE_TOPIC = "bench.bare"
