"""One operation of the API, as the OpenAPI document and the docs page describe it."""

from typing import Any, Literal, NamedTuple

from streams.api.http.responses import JSON

HTML = "text/html"
FORM = "application/x-www-form-urlencoded"
PROBLEM = "application/problem+json"

Tag = Literal[
    "Events",
    "Reading",
    "Live changes",
    "Voting",
    "Visitor",
    "Accounts",
    "Subscriptions",
    "Schemas",
    "Status",
]
TAGS: dict[Tag, str] = {
    "Events": "Editors and gateways send events, with a bearer token.",
    "Reading": "Tools, comparisons, categories, reviewers and digests. No token needed.",
    "Live changes": "Tallies as they change.",
    "Voting": "Votes and bookmarks of this site's own pages. A cookie identifies the voter.",
    "Visitor": "What the visitor with this cookie has voted and bookmarked.",
    "Accounts": "One account joins a person's browsers. Reading and voting need none.",
    "Subscriptions": "The digest by mail. A link in a mail is all that a subscriber needs.",
    "Schemas": "The Avro schemas of our topics, as a Confluent schema registry serves them: "
    "deserializers work with this address as their registry. Read-only.",
    "Status": "Health, metrics and this description.",
}


class Parameter(NamedTuple):
    """A parameter in the query or the path.

    Attributes:
        name: Its name.
        schema: Its JSON schema, with patterns of Python.
        example: A valid value.
        note: What a caller needs to know.
        required: Whether it must be given; one in the path always must.
    """

    name: str
    schema: dict[str, Any]
    example: Any
    note: str = ""
    required: bool = False

    @property
    def shown(self) -> str:
        """The example as text; of a repeated parameter one value."""
        return str(self.example[0] if isinstance(self.example, list) else self.example)


class Operation(NamedTuple):
    """One method of one path.

    Attributes:
        method: The HTTP method.
        path: The route's path.
        id: The operation's name in generated clients.
        tag: The group that it belongs to.
        summary: What it does, in a few words.
        response: The type of the response's body.
        items: Whether the response is a list: an object with `items`.
        body: The type of the request's body.
        body_type: The media type of the request's body.
        media_type: The media type of the response's body; empty where it has none.
        error_type: The media type of errors.
        parameters: Parameters in path and query.
        statuses: Statuses of success.
        errors: Statuses of errors, and of redirects that a problem explains.
        note: What else a caller needs to know.
    """

    method: str
    path: str
    id: str
    tag: Tag
    summary: str
    response: Any = None
    items: bool = False
    body: Any = None
    body_type: str = JSON
    media_type: str = JSON
    error_type: str = PROBLEM
    parameters: tuple[Parameter, ...] = ()
    statuses: tuple[int, ...] = (200,)
    errors: tuple[int, ...] = ()
    note: str = ""

    @property
    def path_with_query(self) -> str:
        """The path, followed by its query parameters."""
        names = [each.name for each in self.parameters if f"{{{each.name}}}" not in self.path]
        return f"{self.path} ?{'=…&'.join(names)}=…" if names else self.path
