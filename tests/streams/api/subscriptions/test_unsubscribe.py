"""One-click unsubscribe by RFC 8058: the token alone decides, for ever."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from tests.streams.api.conftest import FakeApi
from tests.streams.api.subscriptions.conftest import Readers

pytestmark = pytest.mark.integration

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = 'multipart/form-data; boundary="cut here"'
PART = '--cut here\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n'
BODIES = [
    (URLENCODED, "List-Unsubscribe=One-Click"),
    (URLENCODED, "List-Unsubscribe=One-Click\r\n"),
    (URLENCODED, "List-Unsubscribe=One-Click\n"),
    (URLENCODED + "; charset=UTF-8", "List-Unsubscribe=One-Click"),
    (MULTIPART, PART + "--cut here--\r\n"),
    (MULTIPART, PART + "--cut here--"),
    (MULTIPART, PART.replace("\r\n", "\n") + "--cut here--\n"),
    ("", "List-Unsubscribe=One-Click"),
]


@pytest.mark.parametrize(("media_type", "body"), BODIES)
def test_every_body_of_the_standard_unsubscribes(
    readers: Readers, media_type: str, body: str
) -> None:
    readers.subscribe()
    path = readers.links.unsubscribe_path(readers.id_of())
    headers = {"Content-Type": media_type} if media_type else {}
    headers |= {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    answer = readers.client.post(path, content=body.encode(), headers=headers)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    (row,) = readers.rows()
    assert row.unsubscribed is not None


def test_a_second_click_answers_200_and_changes_nothing(readers: Readers) -> None:
    readers.subscribe()
    path = readers.links.unsubscribe_path(readers.id_of())
    body = {"List-Unsubscribe": "One-Click"}
    assert readers.client.post(path, data=body).status_code == 200
    before = readers.state()
    readers.clock.move(60)
    assert readers.client.post(path, data=body).status_code == 200
    assert readers.state() == before


def test_a_link_works_after_years_and_other_secret_keys(
    readers: Readers, make_api: Callable[..., FakeApi], projected: Engine
) -> None:
    readers.subscribe()
    path = readers.links.unsubscribe_path(readers.id_of())
    later = Readers(make_api(VERDICTS_SECRET_KEY="another key after a leak"), projected)
    later.clock.move(20 * 365 * 86_400)
    with later.client:
        answer = later.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert readers.rows()[0].unsubscribed is not None


def test_a_link_works_for_an_address_that_is_not_stored_any_more(readers: Readers) -> None:
    path = readers.links.unsubscribe_path(readers.id_of())
    answer = readers.client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    with readers.engine.connect() as connection:
        rows = connection.execute(text("select id, reason from verdicts.suppressions"))
        assert list(rows) == [(readers.id_of(), "unsubscribed")]


@pytest.mark.parametrize("body", ["", "List-Unsubscribe=No", "One-Click", "other=1"])
def test_another_body_unsubscribes_nobody(readers: Readers, body: str) -> None:
    readers.subscribe()
    path = readers.links.unsubscribe_path(readers.id_of())
    headers = {"Content-Type": URLENCODED}
    answer = readers.client.post(path, content=body, headers=headers)
    assert answer.status_code == 422
    assert readers.rows()[0].unsubscribed is None


@pytest.mark.parametrize("token", ["", "x", "a" * 16 + "." + "0" * 32])
def test_a_foreign_token_unsubscribes_nobody(readers: Readers, token: str) -> None:
    readers.subscribe()
    path = f"/subscriptions/unsubscribe/?token={token}"
    assert readers.client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 403
    assert readers.client.get(path).status_code == 403
    assert readers.rows()[0].unsubscribed is None
