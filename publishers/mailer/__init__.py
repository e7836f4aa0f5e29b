"""The mailer: sends each digest to its subscribers, and single mails such as confirmations."""
