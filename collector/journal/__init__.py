"""What the collector must find again after a crash: alarms, their history, dead letters."""
