"""PostgreSQL: engines, pipelined statements, leader election and heartbeats."""
