"""Accounts: people, sessions, sign-in links and transfers of votes. Nothing of it is on the log."""
