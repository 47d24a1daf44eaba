"""Founding acts and appointments: who may collect what, where and how, from which day, by whose order."""
