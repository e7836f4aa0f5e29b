"""What mails say, as bytes that go over the wire."""
