"""What a device says at which address, as data: one YAML file a device model.

    YAML ─loader─► model ─► decode, fields (bytes to values)    encode (values to bytes)

What a profile may say, checked: `model` of `behaviour` (pace, limits, groups), `channel` (where a
value stands) and `meaning` (what it means), with `defaults` and `repeat`, `sampling`, `writing`,
`addressing`, `identify` and `evidence`; `references` holds these parts against each other; `schema`
tells editors.
Bytes to values: `registers` (tables and types), `octets`, `numerals`, `texts`, `clocks`, `scaling`.
"""
