"""The loop that people write: one connection, and for each subscriber a message of its own."""

import os
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path

import msgspec

from publishers.pages.digest_mail import html, text
from schemas.digests import WeeklyDigest
from tests.harness.digest_records import content_with_digests

URL = "https://verdicts.example"
port, file, total = int(sys.argv[1]), Path(sys.argv[2]), int(os.environ["SUBSCRIBERS"])
digest = msgspec.json.decode(file.read_bytes(), type=WeeklyDigest)
content = content_with_digests()
plain_template, html_template = text(content, URL, digest), html(content, URL, digest)

with smtplib.SMTP("127.0.0.1", port) as server:
    for number in range(total):
        link = f"{URL}/subscriptions/unsubscribe/?token={number:016x}"
        message = EmailMessage()
        message["From"] = "Verdicts <digest@verdicts.example>"
        message["To"] = f"reader{number}@domain{number % 1000}.example.com"
        message["Subject"] = "The week's verdicts"
        message["List-Unsubscribe"] = f"<{link}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(f"{plain_template}\n\nUnsubscribe: {link}\n")
        unsubscribe = f'<p><a href="{link}">Unsubscribe</a></p></body>'
        personal = html_template.replace("</body>", unsubscribe)
        message.add_alternative(personal, subtype="html")
        server.send_message(message)
