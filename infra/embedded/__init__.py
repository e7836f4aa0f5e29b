"""A real Kafka and a real PostgreSQL from package registries, without root and without containers.

Each server is started as a child of whoever asks, listens on loopback alone, keeps everything in
the data folder, and is ready when it answers as a client would ask, not when its port is open.
"""
