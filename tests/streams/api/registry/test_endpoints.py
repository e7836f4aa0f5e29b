"""The schema registry of the API, asked as clients of Confluent's ask."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.kafka.codec import Codec
from schemas.avro.catalogue import NEWEST, VERSIONS
from schemas.topics import CHANGES, VOTES
from streams.api.registry.subjects import RegistryProblem, Subjects
from tests.streams.api.conftest import FakeApi

TYPE = "application/vnd.schemaregistry.v1+json"
VOTES_ID = NEWEST[VOTES.name].id


@pytest.fixture
def get(api: FakeApi) -> Callable[[str], Any]:
    """Asks, and gives the answer's JSON."""

    def ask(path: str) -> Any:
        response = api.client.get(path)
        assert (response.status_code, response.headers["content-type"]) == (200, TYPE)
        return response.json()

    return ask


@pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.stem)
def test_every_version_is_found_by_the_id_that_records_carry(
    get: Callable[[str], Any], version: Any
) -> None:
    body = get(f"/schemas/ids/{version.id}?subject={version.topic.subject}")
    assert list(body) == ["schema"]  # without `schemaType` it is Avro
    assert json.loads(body["schema"]) == version.schema()


def test_the_greatest_id_is_told_where_asked_for(get: Callable[[str], Any]) -> None:
    body = get(f"/schemas/ids/{VOTES_ID}?fetchMaxId=true")
    assert body["maxId"] == max(version.id for version in VERSIONS)


def test_subjects_are_named_after_their_topics(get: Callable[[str], Any]) -> None:
    names = get("/subjects")
    assert names == sorted({version.topic.subject for version in VERSIONS})
    assert get("/subjects?subjectPrefix=verdicts.v") == [VOTES.subject]
    assert get("/subjects?subjectPrefix=:*:") == names


def test_a_subject_has_its_versions(get: Callable[[str], Any]) -> None:
    assert get(f"/subjects/{CHANGES.subject}/versions") == [1, 2, 3]
    first = get(f"/subjects/{CHANGES.subject}/versions/1")
    version = next(version for version in VERSIONS if version.stem == "changes.1")
    assert first | {"schema": ""} == {
        "subject": CHANGES.subject,
        "version": 1,
        "id": version.id,
        "schema": "",
    }
    assert json.loads(first["schema"]) == version.schema()


@pytest.mark.parametrize("latest", ["latest", "-1"])
def test_the_latest_version_is_the_one_that_is_written(
    get: Callable[[str], Any], latest: str
) -> None:
    body = get(f"/subjects/{CHANGES.subject}/versions/{latest}")
    assert (body["version"], body["id"]) == (3, NEWEST[CHANGES.name].id)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/schemas/ids/7", 404, 40403),
        ("/schemas/ids/99999999999999999999", 404, 404),
        ("/schemas/ids/seven", 404, 404),
        ("/subjects/elsewhere/versions", 404, 40401),
        ("/subjects/elsewhere/versions/1", 404, 40401),
        (f"/subjects/{VOTES.subject}/versions/7", 404, 40402),
        (f"/subjects/{VOTES.subject}/versions/0", 422, 42202),
        (f"/subjects/{VOTES.subject}/versions/2147483648", 422, 42202),
        (f"/subjects/{VOTES.subject}/versions/newest", 422, 42202),
    ],
)
def test_an_error_has_confluents_code(api: FakeApi, path: str, status: int, code: int) -> None:
    response = api.client.get(path)
    assert (response.status_code, response.headers["content-type"]) == (status, TYPE)
    assert response.json()["error_code"] == code
    assert response.json()["message"]


def test_nothing_can_be_registered(api: FakeApi) -> None:
    path, body = f"/subjects/{VOTES.subject}/versions", {"schema": '"string"'}
    assert api.client.post(path, json=body).status_code == 405
    assert api.client.delete(path).status_code == 405


def test_a_real_registrys_ids_stand_beside_the_pinned_ones() -> None:
    changes = NEWEST[CHANGES.name]
    subjects = Subjects(Codec(ids={changes.id: 42}))
    assert subjects.version(CHANGES.subject, "latest").id == 42
    assert subjects.schema("42") == subjects.schema(str(changes.id))
    with pytest.raises(RegistryProblem, match="Schema 43 not found"):  # another team's
        subjects.schema("43")
