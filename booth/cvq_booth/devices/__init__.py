"""The machines of a booth as the agent uses them: a state each, commands that can be repeated, no crash in between."""
