"""From a message to its receipt, in the promised order: watch, journal, store, receipt."""
