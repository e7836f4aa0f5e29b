"""The issues of a mailer: when each starts, how its ledger recovers, and how its mails go out."""
