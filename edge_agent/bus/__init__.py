"""The field side: one task owns each port, and asks its devices one at a time.

Cores: `plan` (which reads bring the channels), `quarantine` (which addresses were refused), `wire`
(times on a serial line), `schedule` (whose turn it is), `health` (whom to leave alone for a
while), `questions` (what is still asked of a device). Shells: `modbus` (a port), `poller` (the
task).
"""
