"""How a service becomes processes: its command, its output, and several of them behind one port."""
