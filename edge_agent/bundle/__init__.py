"""The support bundle of `edge-agent diag`, without secrets.

`gathering` (what goes in) and `redaction` (a core: what must not).
"""
