"""What the parts cost, measured, beside what they are compared to. See README.md."""
