"""`verdicts projections`: show how far they are, and rebuild them beside the live ones."""
