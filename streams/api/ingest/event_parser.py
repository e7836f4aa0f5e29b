"""From an item of a request to an event: permission, data, pseudonym, id and time."""

import msgspec
from msgspec import Raw

from projections.private.tokens import Token
from schemas.event_validation import InvalidEvent, read_data, require_valid_texts
from schemas.events import EVENT_TYPES, Data, Event
from schemas.time import instants
from schemas.time.ahead import MAX_AHEAD
from streams.api.auth.voter_cookie import VoterCookies
from streams.api.ingest.cloudevents.envelopes import decode_envelope
from streams.api.ingest.cloudevents.structured_mode import Attributes, Item, TypedEvent
from streams.api.ingest.event_clock import MonotonicClock, new_id


class EventParser:
    """Parses the items of requests.

    Args:
        clock: Gives times to events without one.
        voter_cookies: Computes the voters' pseudonyms.
    """

    def __init__(self, clock: MonotonicClock, voter_cookies: VoterCookies) -> None:
        self._clock = clock
        self._voter_cookies = voter_cookies

    def parse(self, item: Item, token: Token) -> Event:
        """The event of an item that the holder of `token` sent.

        Raises:
            InvalidEvent: With the code `forbidden` when the token may not send its type.
        """
        if isinstance(item, InvalidEvent):
            raise item
        envelope = item if isinstance(item, TypedEvent) else decode_envelope(item)
        _require_permission(envelope.type, token)
        data = envelope.data
        if isinstance(data, Raw):
            data = read_data(envelope.type, data)
        else:
            require_valid_texts(data)
        data = self._hide_voter(data, token)
        event_id, time = self._id_and_time(envelope)
        return Event(event_id, time, data, envelope.source)

    def _hide_voter(self, data: Data, token: Token) -> Data:
        """The data with a pseudonym in place of the gateway's name for a voter."""
        voter: str | None = getattr(data, "voter", None)
        if voter is None:
            return data
        pseudonym = self._voter_cookies.gateway_pseudonym(token.namespace or token.role, voter)
        return msgspec.structs.replace(data, voter=pseudonym)

    def _id_and_time(self, envelope: Attributes) -> tuple[str, int]:
        if envelope.id is None and envelope.time is None:
            time = self._clock.next_time()
            return new_id(time), time
        if envelope.id is None or envelope.time is None:
            missing = "time" if envelope.time is None else "id"
            detail = "Send both id and time, or neither: the server then sets both."
            raise InvalidEvent("missing-field", detail, f"/{missing}")
        return envelope.id, self._parse_time(envelope.time)

    def _parse_time(self, text: str) -> int:
        try:
            time = instants.parse(text)
        except ValueError as error:
            raise InvalidEvent("invalid-time", f"The time is {error}.", "/time") from None
        if time > self._clock.now() + MAX_AHEAD:
            raise InvalidEvent("future-time", "The time is over 5 minutes ahead.", "/time")
        return time


def _require_permission(event_type: str, token: Token) -> None:
    """An unknown type passes: reading its data fails with a better error."""
    data_type = EVENT_TYPES.get(event_type)
    if data_type is not None and not token.may_send(data_type.role):
        detail = f"A token of the role {token.role} may not send {event_type}."
        raise InvalidEvent("forbidden", detail, "/type")
