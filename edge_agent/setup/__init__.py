"""The configuration file as people have it: begun and added to (`drafting`), and enrolled.

`enrolling` applies what the collector gave; `replacing` is how a file that people wrote is written.
"""
