"""Instants and ISO weeks."""
