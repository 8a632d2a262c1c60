"""The embedded broker: a nats-server of our own, as a child that is watched and restarted."""
