"""What `edge-agent check` looks at: files and profiles, buses, this machine, the broker.

Each part yields findings in the reader's language; `certificate` reads dates out of PEM files
without a library for it. Nothing here polls a device or changes anything.
"""
