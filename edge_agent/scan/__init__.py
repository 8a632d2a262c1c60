"""Finding what is there: ports, devices on a bus, and what their registers may mean.

Cores: `pace` (which settings of a serial line to try), `sweep` (whom to ask next, how long it
takes), `recognise` (which profile fits), `proposal` (the configuration's lines), `readings` (one
block of registers as every type). Shells: `scanner` (a bus), `ports` and `holders` (this machine).
"""
