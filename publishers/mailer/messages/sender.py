"""Whom mails come from."""

from email.headerregistry import Address

from infra.mail_settings import MailSettings
from publishers.templating import theme


def sender_of(settings: MailSettings) -> Address:
    """The sender of all mail, under the theme's name where the settings give none."""
    return Address(settings.sender_name or theme.current().sender, addr_spec=settings.sender)
