"""The acceptance of a site, point to point: device, agent, broker, collector, store, and back.

Cores: `point` (what is known of a channel, and the verdict), `trial` (when enough has been seen),
`sheet` (all of it, and its checksum), `text`, `spreadsheet` and `page` (how it is written),
`words` (in which language).
"""
