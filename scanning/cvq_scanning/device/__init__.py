"""What runs in a process of its own beside the scanner: nothing here imports asyncio, so that it starts fast."""
