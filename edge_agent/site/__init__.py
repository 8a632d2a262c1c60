"""A configuration with its profiles: which devices there are, what is read of them, and how often.

    agent.yaml + profiles ─site─► devices ─► rounds of reads ─► load of each bus

`fitting` (whether a device can be on its bus, as it is configured), `reads` (what is read of it, at
what cost), `site` (all of it), `load` (whether a bus has the time for it).
"""
