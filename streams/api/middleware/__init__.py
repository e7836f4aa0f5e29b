"""What holds for every request and response, before and after the routes."""
