"""Search and bookmarks without a script."""

from tests.publishers.web.site_fixture import THREE, SiteFixture


def test_search_finds_tools_and_comparisons_without_a_script(site: SiteFixture) -> None:
    answer = site.client.get("/search/?q=smol+or+patch")
    assert answer.status_code == 200
    assert 'href="/tools/smolvlm-2-5/"' in answer.text
    assert 'href="/compare/patchwork-vs-smolvlm-2-5/"' in answer.text
    assert 'name="robots" content="noindex"' in answer.text
    assert "No tools match “zebra”." in site.client.get("/search/?q=zebra").text
    assert "<h1>Search tools and comparisons</h1>" in site.client.get("/search/").text


def test_a_query_is_shown_as_text(site: SiteFixture) -> None:
    answer = site.client.get("/search/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%00")
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text


def test_search_finds_candidates_for_selected_tools(site: SiteFixture) -> None:
    answer = site.client.get("/search/?q=plain&with=claude-4-api-vs-smolvlm-2-5")
    assert f'href="{THREE}"' in answer.text
    near = site.client.get("/search/?with=claude-4-api-vs-smolvlm-2-5")
    assert 'href="/compare/claude-4-api-vs-patchwork-vs-smolvlm-2-5/"' in near.text
    for unknown in ("zebra", "longgone", "a-vs-b", "", "//"):
        assert site.client.get(f"/search/?with={unknown}").status_code == 200


def test_bookmarks_are_private_and_never_cached(site: SiteFixture) -> None:
    answer = site.client.get("/bookmarks/?saved=smolvlm-2-5&saved=longgone&saved=unheard-of")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "SmolVLM 2.5" in answer.text
    assert "Longgone" not in answer.text
    assert "No bookmarks yet</p>\n<p class=" in site.client.get("/bookmarks/").text


def test_a_category_is_sorted_and_filtered_without_a_script(site: SiteFixture) -> None:
    site.publish()
    path = "/categories/developer-tools/"
    stored, sorted_by_name = site.client.get(path), site.client.get(f"{path}?sort=name&entry=")
    assert sorted_by_name.status_code == 200
    assert sorted_by_name.content != stored.content
    assert "selected>Name" in sorted_by_name.text
    assert site.opened == 1
    again = site.client.get(f"{path}?sort=name")
    assert (again.content, site.opened) == (sorted_by_name.content, 1)
    assert site.client.get(f"{path}?entry=&verdict=").content == stored.content
    assert site.client.get("/categories/nothing/?sort=name").status_code == 404
    assert site.client.get("/tools/?page=2").status_code == 200
    assert site.client.get("/?sort=name").content == site.files.read("/")
