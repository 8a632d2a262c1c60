"""What a device says at which address, as data: one YAML file a device model.

model      what a profile may say, checked
loader     files to profiles: the catalogue, and a site's own
decode     registers to values, compiled once a channel
encode     values to registers, for simulators and tests
"""
