"""Migrations of the permanent schema `verdicts`: one module per revision in `versions/`.

A revision is named `NNNN_what_it_brings.py`, holds its DDL as SQL text, and is never edited once
released. The tables of a projections generation are not here: a generation is made anew instead.
"""
