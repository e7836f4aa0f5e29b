"""Which pages wait to be built, how urgent each is, and what is due once they are built."""
