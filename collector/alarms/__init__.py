"""Alarms in event time: rules, the machine of one alarm, and the engine that feeds it samples."""
