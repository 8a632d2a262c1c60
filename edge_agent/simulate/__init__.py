"""Simulated devices on TCP ports and on ptys, whose channels replay recorded series.

scenario ─► script (series, models, events ─► channel values) ─┬─► replay: registers ─► slave
                                                               └─► speaker: fields ─► far end
     tcp, rtu (slaves) and line (the others) carry their bytes
"""
