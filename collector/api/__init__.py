"""The HTTP API: series, gateways and alarms for the operations centre's own software."""
