"""How the gateway, its buses and its devices fare, and how the agent tells that.

`vitals` tells it as samples, with what `host` reads of the machine; `status` tells it as a file for
`edge-agent status`, with what each device said last (`latest`).
"""
