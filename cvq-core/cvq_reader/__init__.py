"""A site's controller: it stands beside the readers, asks the core while it can, and decides itself when it cannot.

It knows of the core its rule (`cvq_core.access`), the words of its list (`cvq_core.controllers.wire`) and how a machine
proves itself (`cvq_core.devices`), and installs without the server's libraries.
"""
