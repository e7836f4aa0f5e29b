"""The log as files: for backups, moves and tests, the same bytes there and back.

A folder holds `manifest.json` and one file per partition, `{topic}/{partition}.log.gz`: gzip
around frames (see `infra.operations.log_export.frames`), one per record, in the order of the
partition. The manifest is written last, so a folder without one is no export. Dead letters and
changes are not in it: both follow from the events.
"""
