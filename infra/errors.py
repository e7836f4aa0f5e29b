"""The base class of every error whose message is a sentence for a person."""


class VerdictsError(Exception):
    """An expected failure. Its message is one sentence that says what is wrong or what to do.

    The command line prints the message and exits with status 1; other errors are bugs or outages.
    """
