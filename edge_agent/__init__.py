"""The agent at the cabinet: it polls buses, keeps what it read, and sends until it is receipted.

    config ─► site ─► bus: schedule ─► link ─► decode ─► Sample ─► sampling ─► delivery ─► MQTT
                           health ◄─ replies                vitals ───┘

What runs: `site` resolves a configuration into devices and the reads that bring their channels;
`bus` owns the ports, `protocols` are what is spoken besides Modbus; `sampling` judges what was
read; `delivery` owns it until the collector has it; `vitals` tell how all this fares; `app` puts
the parts together. What a technician uses: `cli`, and behind it `ports`, `scan`, `setup`, `checks`,
`acceptance` and `bundle`; `simulate` plays the devices, `examples` holds profiles to theirs.
"""
