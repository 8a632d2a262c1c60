"""The collector: watch, journal, store, receipt; then queries and alarms for those who ask."""
