"""Sign-in by a mailed link."""

from typing import Any

import pytest
from sqlalchemy import event, text

from tests.streams.api.accounts.conftest import AccountsApi, hidden

pytestmark = pytest.mark.integration


def count(api: AccountsApi, table: str) -> int:
    with api.engine.connect() as connection:
        return int(connection.scalar(text(f"select count(*) from verdicts.{table}")) or 0)


def test_a_link_opens_a_session_and_works_once(accounts: AccountsApi) -> None:
    person = accounts.browser(**{"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
    path = person.ask()
    assert accounts.mails() == [("ann@example.org", path)]
    answer = person.use(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/me/")
    cookies = answer.headers.get_list("set-cookie")
    assert cookies[0].startswith("verdicts_session=1.")
    assert "; Max-Age=77" in cookies[0]
    assert "; Path=/; HttpOnly; SameSite=Lax" in cookies[0]
    assert person.cookies() == {"verdicts_session"}
    assert person.me()["signed_in"]
    assert "Firefox on Linux" in person.client.get("/me/").text
    used = person.use(path)
    assert used.status_code == 410
    assert "works no more" in used.text


def test_over_https_cookies_are_bound_to_the_host(make_accounts: Any) -> None:
    api = make_accounts(VERDICTS_PUBLIC_URL="https://verdicts.example")
    here = {"Origin": "https://verdicts.example", "Host": "verdicts.example"}
    person = api.browser(**here)
    answer = person.client.post("/v1/sign-in", json={"email": "ann@example.org"})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-verdicts_sign_in=")
    assert cookie.endswith("; Max-Age=900; Path=/; HttpOnly; SameSite=Lax; Secure")
    used = person.use(api.mails()[-1][1])
    assert used.headers.get_list("set-cookie")[0].startswith("__Host-verdicts_session=")


def test_programs_that_open_links_use_none_up(accounts: AccountsApi) -> None:
    person, scanner = accounts.browser(), accounts.browser()
    path = person.ask()
    for _ in range(3):
        assert scanner.client.get(path).status_code == 200
        assert scanner.client.head(path).status_code == 200
        assert person.client.get(path).status_code == 200
    assert scanner.cookies() == set()
    assert count(accounts, "accounts") == count(accounts, "sessions") == 0
    assert person.use(path).status_code == 303


def test_only_in_the_browser_that_asked_the_script_presses_the_button(
    accounts: AccountsApi,
) -> None:
    person, other = accounts.browser(), accounts.browser()
    path, theirs = person.ask(), other.ask("eve@example.org")
    assert "press: True" in person.client.get(path).text
    assert "press: False" in accounts.browser().client.get(path).text
    assert "press: False" in person.client.get(theirs).text
    assert accounts.browser().use(path).status_code == 303


def test_a_link_ends_after_15_minutes(accounts: AccountsApi) -> None:
    person = accounts.browser()
    path = person.ask()
    with accounts.engine.begin() as connection:
        connection.execute(text("update verdicts.sign_in_links set expires = now()"))
    assert person.client.get(path).status_code == 410
    assert person.use(path).status_code == 410
    assert count(accounts, "sessions") == 0


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 43, "\0", "é", "x" * 10_000])
def test_a_token_that_is_not_ours_opens_nothing(accounts: AccountsApi, token: str) -> None:
    person = accounts.browser()
    assert person.client.post("/sign-in/", data={"token": token}).status_code == 410
    if token:
        assert person.client.get("/sign-in/", params={"token": token}).status_code == 410


def test_every_address_gets_the_same_answer(accounts: AccountsApi) -> None:
    accounts.browser().sign_in("known@example.org")

    def ask(email: str) -> tuple[Any, ...]:
        answer = accounts.browser().client.post("/v1/sign-in", json={"email": email})
        form = accounts.browser().client.post("/sign-in", data={"email": email})
        headers = {name for name in answer.headers if name != "date"}
        return (
            answer.status_code,
            answer.content,
            headers,
            form.status_code,
            form.headers["location"],
        )

    assert ask("known@example.org") == ask("new@example.org")
    assert ask("known@example.org")[0] == 202
    assert ask("known@example.org") == ask("other@example.org")


def test_no_time_tells_whether_an_address_has_an_account(accounts: AccountsApi) -> None:
    """Time varies from run to run; what runs does not."""
    accounts.browser().sign_in("known@example.org")
    work: dict[str, list[str]] = {"known@example.org": [], "new@example.org": []}
    for email, ran in work.items():
        browser = accounts.browser()

        def note(_: Any, __: Any, statement: str, *___: Any, ran: list[str] = ran) -> None:
            ran.append(statement)

        event.listen(accounts.engine, "before_cursor_execute", note)
        browser.ask(email)
        event.remove(accounts.engine, "before_cursor_execute", note)
    known, new = work.values()
    assert known == new
    assert len(new) > 4


def test_an_address_gets_three_mails_an_hour_and_a_network_twenty(accounts: AccountsApi) -> None:
    person = accounts.browser()
    for _ in range(5):
        person.ask()
    assert len(accounts.mails()) == 3
    for number in range(30):
        person.ask(f"{number}@example.org")
    assert len(accounts.mails()) == 20


@pytest.mark.parametrize(
    "email",
    [
        "",
        "nobody",
        "a@b@example.org",
        "ann@example.org\nBcc: eve@example.org",
        "ann@example.org\r\nSubject: x",
        '"ann quoted"@example.org',
        "a" * 10_000 + "@example.org",
        "\u0430nn@\u0435xample.org",
    ],
)
def test_an_address_that_is_none_gets_a_sentence(accounts: AccountsApi, email: str) -> None:
    person = accounts.browser()
    answer = person.client.post("/v1/sign-in", json={"email": email})
    if len(email) < 4000:
        assert answer.status_code == 422
        assert answer.json()["pointer"] == "/email"
    assert answer.status_code in (413, 422)
    assert person.client.post("/sign-in", data={"email": email}).status_code == 422
    assert accounts.mails() == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"nonsense", 400), (b"[]", 422), (b'{"email": 1}', 422), (b'{"mail": "a@b.org"}', 422)],
)
def test_a_body_that_is_none_gets_a_sentence(
    accounts: AccountsApi, body: bytes, status: int
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = accounts.browser().client.post("/v1/sign-in", content=body, headers=headers)
    assert answer.status_code == status


def test_requests_of_other_sites_are_refused(accounts: AccountsApi) -> None:
    person = accounts.browser()
    path = person.ask()
    foreign = {"Origin": "https://evil.example"}
    fields = {"token": path.partition("=")[2]}
    email = {"email": "eve@example.org"}
    client = person.client
    assert client.post("/v1/sign-in", json=email, headers=foreign).status_code == 403
    assert client.post("/sign-in", data=email, headers=foreign).status_code == 403
    assert client.post("/sign-in/", data=fields, headers=foreign).status_code == 403
    assert client.post("/v1/sign-in", data=email).status_code == 415
    assert len(accounts.mails()) == 1
    assert count(accounts, "sessions") == 0


def test_a_form_of_unknown_origin_is_confirmed_in_the_same_browser(accounts: AccountsApi) -> None:
    person = accounts.browser(Origin="null")
    asked = person.client.post("/sign-in", data={"email": "ann@example.org"})
    assert asked.status_code == 200
    assert accounts.mails() == []
    stranger = accounts.browser(Origin="null").client.post("/sign-in", data=hidden(asked))
    assert stranger.status_code == 200
    assert person.client.post("/sign-in", data=hidden(asked)).status_code == 303
    confirm = person.use(accounts.mails()[0][1])
    assert confirm.status_code == 200
    assert person.client.post("/sign-in/", data=hidden(confirm)).status_code == 303


def test_signing_in_again_ends_the_former_session_of_this_browser_alone(
    accounts: AccountsApi,
) -> None:
    person, other = accounts.browser(), accounts.browser()
    person.sign_in()
    former = person.client.cookies["verdicts_session"]
    other.sign_in()
    person.sign_in()
    assert person.client.cookies["verdicts_session"] != former
    accounts.dependencies.sessions.forget_all()
    stolen = accounts.browser(Cookie=f"verdicts_session={former}")
    assert "signed_in" not in stolen.me()
    assert other.me()["signed_in"]
    assert person.me()["signed_in"]


def test_a_page_asks_for_the_address_and_a_signed_in_browser_goes_to_its_account(
    accounts: AccountsApi,
) -> None:
    person = accounts.browser()
    assert person.client.get("/sign-in/").status_code == 200
    assert person.client.get("/sign-in/sent/").status_code == 200
    assert person.client.get("/me/").headers["location"] == "/sign-in/"
    person.sign_in()
    assert person.client.get("/sign-in/").headers["location"] == "/me/"
