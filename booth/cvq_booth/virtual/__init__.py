"""Virtual machines of a booth, for tests and for the demonstration: nothing here is part of a real booth.

Each is as much of the real thing as runs without hardware: `printer` is CUPS' ippeveprinter, `cards` is a card of ours
behind pcscd and vsmartcard's reader, `camera` and `voice` make the files that Chromium films and hears. `panel` is a
page on which a visitor plays the resident's hands. Each starts as a process (`python -m cvq_booth.virtual.printer`) and
as an asynchronous context manager.
"""
