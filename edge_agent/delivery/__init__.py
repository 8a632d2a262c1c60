"""From a sample to the collector's receipt: batches, the outbox, the courier, the uplink."""
