"""What goes over the wire."""

import pytest

from publishers.mailer.delivery.smtp import double_leading_dots


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a: b\r\n\r\n.\r\n..x\r\ny.\r\n", b"a: b\r\n\r\n..\r\n...x\r\ny.\r\n"),
        (b".first\r\n", b"..first\r\n"),
        (b"no dots\r\n", b"no dots\r\n"),
    ],
)
def test_a_line_that_begins_with_a_dot_begins_with_two(content: bytes, expected: bytes) -> None:
    assert double_leading_dots(content) == expected
