"""Real parts for tests: brokers, stores and ports that run as processes on loopback."""
