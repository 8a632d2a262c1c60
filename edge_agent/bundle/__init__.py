"""The support bundle of `edge-agent diag`: `redaction` (a core) and `gathering` (what goes in)."""
