"""Whether the cluster acknowledges what is sent: by its replicas, and by what producers hear."""
