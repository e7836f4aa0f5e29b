"""The template environment and static assets."""
