"""Composes what serves HTTP: the site of `publishers` beside the API of `streams`."""

from infra.settings import Settings


def main(settings: Settings) -> None:
    """Serve both on one port until told to end."""
    from streams.api.server import main as serve

    serve(settings)


def publish_all(settings: Settings) -> dict[str, int]:
    """Render every page anew, and count what became of them."""
    from publishers.publisher import publish_all as publish

    return dict(publish(settings))
