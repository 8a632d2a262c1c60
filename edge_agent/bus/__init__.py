"""The field side: one task owns each port, and asks its devices one at a time.

Cores: `plan` and `rounds` (which reads bring the channels, and when), `request` and `inquiry` (what
an answer means), `schedule` (whose turn it is), `reading` (a round as it goes), `quarantine` (what
was refused), `health` (whom to leave alone for a while), `wire` (times on a serial line). Shells:
`stream` (bytes over any transport), `modbus` and `fields` (what is spoken over them), `link` (what
a poller sees of either), `poller` (the task).
"""
