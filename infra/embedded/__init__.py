"""A real Kafka and a real PostgreSQL from package registries, without root and without containers.

Each server runs as a child of the calling process, listens on loopback alone, and keeps everything
in the data folder. A server is ready when it answers a client's request, not when its port is open.
"""
