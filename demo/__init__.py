"""The whole system on one machine: simulated devices, an agent, a collector with its broker."""
