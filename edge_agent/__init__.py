"""The agent at the cabinet: it polls buses, keeps what it read, and sends until it is receipted.

    config ─► site ─► buses: schedule ─► link ─► decode ─► Sample ─► delivery ─► MQTT
                             health ◄─ replies           vitals ─┘

`site` resolves a configuration into devices and the requests that read them; `bus` owns the
ports; `delivery` owns what was read until the collector has it; `app` puts them together.
"""
