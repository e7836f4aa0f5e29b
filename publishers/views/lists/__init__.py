"""Views of many tools: home, category, reviewer, rankings."""
