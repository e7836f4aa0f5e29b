"""What comes back: bounces, complaints, requests to unsubscribe, and replies."""
