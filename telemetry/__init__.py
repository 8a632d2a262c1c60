"""What both sides share: the sample, its quality, and the messages that carry it.

The wire (`sample`, `names`, `topics`, `envelope`, `receipt`, `announce`) needs the standard
library and one JSON codec. `settings`, `quantities`, `logs` and `systemd` serve the programs.
"""
