"""The link to microcontroller boards: SMP messages in checksummed frames on a serial line.

`framing` finds packets in a stream of bytes, `message` gives them a meaning, `cli` shows both.
"""
