"""Finding what is there: devices on a bus, and what their registers may mean.

Cores: `scope` and `pace` (which units at which settings of a serial line), `sweep` (whom to ask
next, how long it takes), `signature` and `recognise` (which profile fits), `sunspec` (a device's
chain of models), `readings` and `plausible` (one block of registers as every type), `proposal` (the
configuration's lines). Shell: `scanner` (a bus).
"""
