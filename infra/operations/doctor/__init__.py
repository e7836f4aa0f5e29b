"""What is wrong with an installation, and what to do about it.

`finding` says what an answer looks like. `broker`, `store` and `machine` judge: plain values in,
findings out. `looking` fetches those values, `examination` puts all of it together.
"""
