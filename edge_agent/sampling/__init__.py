"""What happens to a sample between its poll and delivery: doubts, counters, report by exception.

    poller ─► judges (rate, counter, flat line, spike) ─► waiting for a spike's successor ─► report

Nothing is dropped but what a reader knows already, and no value is altered: judges add flags.
"""
