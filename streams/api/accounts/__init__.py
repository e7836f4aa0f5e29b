"""Accounts: sign-in by mailed link, sessions, the account's page, and transfers of votes."""
