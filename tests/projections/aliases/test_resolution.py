from projections.aliases.resolution import Link, resolve


def links(**targets: str) -> dict[str, Link]:
    """Links whose stamps grow in the order in which they are given."""
    return {
        slug: Link(target, bytes([stamp])) for stamp, (slug, target) in enumerate(targets.items())
    }


def test_a_chain_is_followed_to_its_end() -> None:
    assert resolve(links(ant="bee", bee="cat")) == {"ant": "cat", "bee": "cat"}


def test_in_a_circle_the_link_with_the_greatest_stamp_counts_for_nothing() -> None:
    assert resolve(links(ant="bee", bee="ant")) == {"ant": "bee"}
    assert resolve(links(bee="cat", cat="ant", ant="bee")) == {"bee": "ant", "cat": "ant"}


def test_what_leads_into_a_circle_ends_where_the_circle_is_broken() -> None:
    assert resolve(links(dog="bee", ant="bee", bee="ant")) == {"dog": "bee", "ant": "bee"}
    assert resolve(links(bee="ant", ant="bee", dog="bee")) == {"dog": "ant", "bee": "ant"}


def test_a_link_to_itself_counts_for_nothing() -> None:
    assert resolve(links(ant="ant", bee="ant")) == {"bee": "ant"}
