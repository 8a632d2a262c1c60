"""From a sample to the collector's receipt: batches, the outbox, the courier, the uplink.

    Sample ─batch─► outbox ─seq─► courier ─► uplink ─► MQTT
                      ▲             ▲           │
                      └─ delete ────┴─ receipt ◄┘

Cores: `batch` (samples into envelopes), `courier` (what to publish, and when again). Shells:
`outbox` with its file (`outbox_file`, `outbox_tables`, and `salvage` of a damaged one), `uplink`
with `connection`; `delivery` joins them, and `trace` knows what of a device is stored.
"""
