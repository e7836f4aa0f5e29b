"""What our decoder of JSON lets pass or refuses, though senders should hear it in other words."""
