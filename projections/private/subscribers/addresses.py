"""Addresses of mail: kept as typed, compared in canonical form, shown with punycode."""

import msgspec
from email_validator import EmailNotValidError, validate_email

from infra.errors import VerdictsError


class AddressError(VerdictsError):
    """No mail can reach the address; the message is one sentence for its owner."""


class CheckedAddress(msgspec.Struct, frozen=True):
    """A valid address.

    Attributes:
        typed: As its owner typed it.
        canonical: Local part in lower case, domain in ASCII; equal addresses are equal here.
        ascii: The typed local part and the domain in ASCII, for SMTP.
    """

    typed: str
    canonical: str
    ascii: str

    @property
    def shown(self) -> str:
        """For people: a domain of other letters than ASCII also in punycode, against homographs."""
        return self.typed if self.typed.isascii() else f"{self.typed} ({self.ascii})"


def ascii_address(text: str) -> str:
    """A stored address for SMTP: its domain in ASCII."""
    return text if text.isascii() else parse_address(text).ascii


def show_address(text: str) -> str:
    """A stored address for people; see `CheckedAddress.shown`."""
    try:
        return parse_address(text).shown
    except AddressError:  # the rules became stricter since
        return text


def parse_address(text: str) -> CheckedAddress:
    """Check an address without asking the network; spaces around it are dropped.

    Local parts of letters outside ASCII are refused, since many mail servers cannot take them.

    Raises:
        AddressError: No mail can reach it.
    """
    typed = text.strip(" \t")
    if not typed:
        raise AddressError("Enter an email address, such as name@example.com.")
    try:
        # Subdomains of .test are valid, so that installations under test can subscribe.
        address = validate_email(
            typed, check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise AddressError(str(error)) from None
    local, domain = address.local_part, address.ascii_domain
    return CheckedAddress(typed, f"{local.lower()}@{domain}", f"{local}@{domain}")
