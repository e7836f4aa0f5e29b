"""Subscriptions to the digests: sign-up, confirmation, preferences, one-click unsubscribe."""
