"""What the document calls the JSON schemas, whatever our classes are called."""

from typing import Any

PUBLIC_NAMES = {
    "Accepted": "AcceptedEvent",
    "Authored": "ReviewOfTool",
    "Bookmark": "SavedBookmark",
    "CategoryBody": "CategoryWithTools",
    "CategoryName": "CategoryReference",
    "Community": "CommunityVerdict",
    "ComparisonBody": "Comparison",
    "Counts": "DigestCounts",
    "DigestName": "DigestSummary",
    "Flip": "CommunityChange",
    "Heartbeat": "ServiceHeartbeat",
    "Me": "OwnChoices",
    "NewTool": "DigestTool",
    "Panel": "PanelOfTool",
    "Pick": "DigestReview",
    "ProblemDetails": "Problem",
    "RegistryErrorBody": "RegistryError",
    "Rejected": "RejectedEvent",
    "Results": "EventResults",
    "ReviewerBody": "ReviewerWithReviews",
    "SchemaText": "RegisteredSchema",
    "ServiceStatus": "Health",
    "StatusEvaluation": "PipelineStatus",
    "SubjectVersion": "RegisteredVersion",
    "TallyChanged": "Tally",
    "ToolName": "ToolReference",
    "Unknown": "UnknownEvent",
    "Vote": "SavedVote",
    "VoteBody": "VoteChoice",
    "VoteResponse": "OwnTally",
    "WeeklyDigest": "Digest",
}
"""Public names by the names of our classes; other classes have names that are public already."""

_PREFIX = "#/components/schemas/"


def rename(schema: Any) -> Any:
    """The schema with public names in references and titles."""
    if isinstance(schema, list | tuple):
        return list(map(rename, schema))
    if isinstance(schema, str) and schema.startswith(_PREFIX):
        name = schema.removeprefix(_PREFIX)
        return _PREFIX + PUBLIC_NAMES.get(name, name)
    if not isinstance(schema, dict):
        return schema
    renamed = {name: rename(part) for name, part in schema.items()}
    if isinstance(title := schema.get("title"), str):
        renamed["title"] = PUBLIC_NAMES.get(title, title)
    return renamed


def rename_components(components: dict[str, Any]) -> dict[str, Any]:
    """The components under their public names."""
    return {PUBLIC_NAMES.get(name, name): rename(schema) for name, schema in components.items()}
