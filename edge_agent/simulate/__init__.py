"""Simulated devices: slaves on TCP and on ptys whose registers replay recorded series.

scenario ─► replay (series, models, events ─► channel values ─► registers) ─► slave ─► reply
                                                                 tcp, rtu: frames in and out
"""
