"""The field side: one task owns each port, and asks its devices one at a time.

    channels ─plan, rounds─► reads ─schedule─► poller ─link─► modbus | fields ─stream─► device

Cores, what to ask: `plan` (the cheapest reads), `cost` (what a read takes), `rounds` (which are
read together), `request` and `inquiry` (one read of registers, one exchange), `planned` (either).
Cores, when and whom: `schedule` (whose turn it is), `reading` (a round as it goes), `quarantine`
(what was refused), `health` (whom to leave alone for a while).
Cores, whose bytes: `frames`, `owed`, `echo`, `hearing`, `wire`; `pdu` by pymodbus.
Shells: `stream` (bytes over `serial_port`, `tcp`, `udp`), `line` and `network` (an answer to each
request), `modbus` and `fields` (what is spoken), `link` (what a poller sees of either), `poller`.
"""
