"""How far an event's time may be ahead of the moment at which the event is written to the log.

A register keeps the event with the greatest time, so an event of the year 9999 would win for ever.
The ingest rejects such events. The workers measure each event against the timestamp of its record,
so that every replay of the log decides alike.
"""

MAX_AHEAD = 5 * 60 * 1_000_000
"""In microseconds."""


def is_too_far_ahead(time: int, timestamp: int) -> bool:
    """Whether an event is dated too far ahead of its record.

    Args:
        time: The event's time, in microseconds since 1970.
        timestamp: The record's, in milliseconds since 1970.
    """
    return time > timestamp * 1000 + MAX_AHEAD


def record_timestamp(time: int, now: int) -> int:
    """The timestamp of a record that is written now with an accepted event, in milliseconds.

    It is later than now where the event was accepted by a clock that is ahead of ours, such as
    that of another replica. Else the workers would pass over an acknowledged event.

    Args:
        time: The event's time, in microseconds since 1970.
        now: The writer's clock, in microseconds since 1970.
    """
    return max(now // 1000, -(-(time - MAX_AHEAD) // 1000))


def explicit_timestamp(time: int, now: int) -> int:
    """`record_timestamp` for a producer that stamps records with its time of sending by itself.

    Returns:
        Milliseconds, or 0 where the time of sending will do.
    """
    return record_timestamp(time, now) if time > now else 0
