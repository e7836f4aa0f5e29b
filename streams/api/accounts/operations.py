"""The operations of accounts, as the OpenAPI document describes them."""

from typing import Any, Literal

import msgspec

from streams.api.accounts.account_export import AccountExport
from streams.api.accounts.sign_in import SignInLinkRequest, SignInSent
from streams.api.http.responses import JSON
from streams.api.openapi.operation import FORM, HTML, Operation, Parameter

EXAMPLE_LINK_TOKEN = "q4nYb1o2u8c9r0s5v7w3x6z1a2b3c4d5e6f7g8h9i0j"  # noqa: S105 - an example
_REQUESTED = (
    "Mails a link that works once, for 15 minutes. The answer is the same for every valid address, "
    "whether it has an account or not; the account is created when its first link is used. An "
    "address gets at most 3 such mails an hour, callers of one network cause at most 20."
)
_USED = (
    "Opens a session for this browser: a cookie for 90 days. The browser's own votes and bookmarks "
    "become the account's: of two choices for one tool the newer stays."
)
_ERASED = (
    "Deletes the account, its sessions and the subscription of its address. `keep` leaves the "
    "votes without any link to a person; `withdraw` takes votes and bookmarks back first."
)


class SignInForm(msgspec.Struct, frozen=True):
    """The one field of the form that asks for a link."""

    email: str


class UseLinkForm(msgspec.Struct, frozen=True):
    """The one field of the page that a link opens."""

    token: str


class RevokeForm(msgspec.Struct, frozen=True):
    """Which session ends: an id, or `others` for all but the present one."""

    session: str


class EraseForm(msgspec.Struct, frozen=True):
    """What becomes of the votes."""

    votes: Literal["keep", "withdraw"]


_TOKEN = Parameter("token", {"type": "string"}, EXAMPLE_LINK_TOKEN, "From a mail.")
_CHANGE_ERRORS = (400, 403, 408, 413, 415, 503)


def _page(
    path: str, name: str, summary: str, *parameters: Parameter, statuses: Any = (200,)
) -> Operation:
    return Operation("GET", path, name, "Accounts", summary, media_type=HTML, error_type=HTML,
                     parameters=parameters, statuses=statuses,
                     errors=(410, 503) if parameters else (503,),
                     note="Changes nothing.")  # fmt: skip


def _form(path: str, name: str, summary: str, body: Any, *errors: int, note: str = "") -> Operation:
    return Operation("POST", path, name, "Accounts", summary, body=body,
                     body_type=FORM if body else JSON, media_type=HTML, error_type=HTML,
                     statuses=(200, 303), errors=(*_CHANGE_ERRORS, *errors), note=note)  # fmt: skip


ACCOUNT_OPERATIONS = (
    Operation("POST", "/v1/sign-in", "requestSignIn", "Accounts", "Ask for a link that signs in",
              SignInSent, body=SignInLinkRequest, statuses=(202,), errors=(*_CHANGE_ERRORS, 422),
              note=_REQUESTED),
    _form("/sign-in", "requestSignInByForm", "Ask for a link with a form", SignInForm, 422,
          note=_REQUESTED),
    _page("/sign-in/sent/", "showSignInSent", "What happens next"),
    _page("/sign-in/", "showSignIn", "The form, or with a token the button that signs in", _TOKEN,
          statuses=(200, 303)),
    _form("/sign-in/", "signIn", "Sign in with a link", UseLinkForm, 410, note=_USED),
    _page("/me/", "showAccount", "Your account", statuses=(200, 303)),
    Operation("GET", "/v1/me/export", "exportAccount", "Accounts",
              "Export everything held about your account", AccountExport,
              errors=(401, 503)),
    _form("/sign-out", "signOut", "Sign out", None,
          note="Removes the cookies of session and voter."),
    _form("/me/sessions/revoke", "revokeSession", "End sessions", RevokeForm, 401, 422),
    _form("/me/erase", "eraseAccount", "Erase your account", EraseForm, 401, 422, note=_ERASED),
    _page("/me/erased/", "showErased", "What was erased"),
)  # fmt: skip
