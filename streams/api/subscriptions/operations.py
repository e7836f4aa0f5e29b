"""The operations of subscriptions, as the OpenAPI document describes them."""

from typing import Any, Literal

import msgspec

from projections.private.subscribers.preferences import Frequency
from streams.api.openapi.operation import FORM, HTML, Operation, Parameter
from streams.api.subscriptions.signup_endpoints import ConfirmationRequested, SubscriptionRequest

EXAMPLE_TOKEN = "ondg63lfonwwk33o.0123456789abcdef0123456789abcdef"  # noqa: S105 - an example
_REQUESTED = (
    "Sends a mail with a link to confirm; until then nothing is stored. The answer is the same for "
    "every valid address, whether it has a subscription or not. An address gets at most 3 such "
    "mails an hour, callers of one network cause at most 20. `topics` are slugs of categories; "
    "none means all."
)
_ACTIONS = (
    "`action` is what to do: `save` the other fields, `unsubscribe`, `resubscribe`, `export` as "
    "JSON, or `erase`."
)
_ONE_CLICK = (
    "One-click unsubscribe (RFC 8058): needs neither cookie nor origin, and never expires. "
    "`multipart/form-data` is taken too."
)


class SubscribeForm(msgspec.Struct, frozen=True):
    """The fields of the newsletter's form; `topic` may occur several times."""

    email: str
    frequency: Frequency | Literal[""] = ""
    topic: str = ""
    timezone: str = ""


class TokenForm(msgspec.Struct, frozen=True):
    """The one field of the page that confirms."""

    token: str


class PreferencesForm(msgspec.Struct, frozen=True):
    """The fields of the preferences; `topic` may occur several times."""

    token: str
    action: Literal["save", "unsubscribe", "resubscribe", "export", "erase"] = "save"
    frequency: Frequency | Literal[""] = ""
    topic: str = ""
    timezone: str = ""
    paused_until: str = ""


class OneClickForm(msgspec.Struct, frozen=True, rename={"list_unsubscribe": "List-Unsubscribe"}):
    """The body that RFC 8058 asks for."""

    list_unsubscribe: Literal["One-Click"]


_TOKEN = Parameter(
    "token", {"type": "string", "minLength": 1}, EXAMPLE_TOKEN, "From a mail.", required=True
)
_OPTIONAL_TOKEN = _TOKEN._replace(schema={"type": "string"}, required=False)


def _page(path: str, name: str, summary: str, *parameters: Parameter) -> Operation:
    return Operation("GET", path, name, "Subscriptions", summary, media_type=HTML, error_type=HTML,
                     parameters=parameters, errors=(403, 410, 503) if parameters else (),
                     note="Changes nothing.")  # fmt: skip


def _form(path: str, name: str, summary: str, body: Any, **more: Any) -> Operation:
    return Operation("POST", path, name, "Subscriptions", summary, body=body, body_type=FORM,
                     media_type=HTML, error_type=HTML, errors=(403, 408, 410, 413, 415, 422, 503),
                     **more)  # fmt: skip


SUBSCRIPTION_OPERATIONS = (
    Operation("POST", "/v1/subscriptions", "requestSubscription", "Subscriptions",
              "Ask for a subscription", ConfirmationRequested, body=SubscriptionRequest,
              statuses=(202,), errors=(408, 413, 415, 422, 503), note=_REQUESTED),
    _form("/subscribe", "requestSubscriptionByForm", "Ask for a subscription with a form",
          SubscribeForm, statuses=(303,), note=_REQUESTED),
    _page("/subscriptions/sent/", "showSent", "What happens next"),
    _page("/subscriptions/confirm/", "showConfirmation", "The page with the button", _TOKEN),
    _form("/subscriptions/confirm/", "confirmSubscription", "Confirm a subscription", TokenForm,
          statuses=(303,)),
    _page("/subscriptions/", "showPreferences", "Preferences", _OPTIONAL_TOKEN),
    _form("/subscriptions/", "changeSubscription", "Change or end a subscription",
          PreferencesForm, statuses=(200, 303), note=_ACTIONS),
    _page("/subscriptions/unsubscribe/", "showUnsubscribe", "The page with the button", _TOKEN),
    _form("/subscriptions/unsubscribe/", "unsubscribe", "Unsubscribe with one click",
          OneClickForm, parameters=(_TOKEN,), note=_ONE_CLICK),
)  # fmt: skip
