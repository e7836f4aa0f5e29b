"""The field types of events: constrained texts and numbers."""

from typing import Annotated

from msgspec import Meta

from schemas.text.patterns import LINE_PATTERN, TEXT_PATTERN, WEB_ADDRESS_PATTERN

# Every word between hyphens is letters and digits, and none of them is "vs": a comparison's
# path is "{a}-vs-{b}" and must read one way only.
SLUG_PATTERN = r"^(?!vs(?:-|\Z))[a-z0-9]+(?:-(?!vs(?:-|\Z))[a-z0-9]+)*\Z"
URL_PATTERN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#\x00-\x1f\x7f<>\"\\]+[^\s\x00-\x1f\x7f<>\"\\]*\Z"
WEEK_PATTERN = r"^[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3])\Z"
# Databases cannot hold a NUL, so no text may carry one.
NO_NUL_PATTERN = r"^[^\x00]*\Z"

NEW_PATTERN = "x-new-pattern"
"""The keyword of JSON schemas for what new events must match, though older ones may not."""


def _text(max_length: int, new_pattern: str) -> Meta:
    """A text without NUL; new events must match `new_pattern`, which the OpenAPI document shows."""
    return Meta(
        min_length=1,
        max_length=max_length,
        pattern=NO_NUL_PATTERN,
        extra_json_schema={NEW_PATTERN: new_pattern},
    )


Slug = Annotated[str, Meta(pattern=SLUG_PATTERN, max_length=80)]
Line = Annotated[str, _text(300, LINE_PATTERN)]
Paragraph = Annotated[str, _text(2_000, TEXT_PATTERN)]
Body = Annotated[str, _text(20_000, TEXT_PATTERN)]
Voter = Annotated[str, Meta(min_length=1, max_length=128, pattern=NO_NUL_PATTERN)]
LONGEST_ID = 128
EventId = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID, pattern=NO_NUL_PATTERN)]
Url = Annotated[
    str,
    Meta(
        pattern=URL_PATTERN, max_length=2_000, extra_json_schema={NEW_PATTERN: WEB_ADDRESS_PATTERN}
    ),
]
Score = Annotated[int, Meta(ge=0, le=100)]
Position = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Week = Annotated[str, Meta(pattern=WEEK_PATTERN)]
