"""The serial ports of this machine, as `edge-agent ports` shows them and the agent's log tells.

`kernel` (what is plugged in, and what slows it down), `naming` (by which name it stays found),
`holders` (which processes have it open), `ports` (all of it, port by port).
"""
