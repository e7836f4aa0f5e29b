"""Pages that the API answers with, in the site's design."""

from collections.abc import Mapping

from publishers.templating.environment import Meta, page


class ApiPages:
    """Renders them; they are about one visitor and show no content, so no demo notice either.

    Args:
        public_url: Address of the site.
    """

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def __call__(self, template: str, title: str, view: Mapping[str, object]) -> bytes:
        """The page as UTF-8.

        Args:
            template: A file in `templates/`.
            title: Without the site's name.
            view: What the template shows, called `view` there.
        """
        return page(template, self._public_url, Meta(title, title, ""), view)
