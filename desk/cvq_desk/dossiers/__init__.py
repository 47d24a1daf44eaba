"""Dossiers: one request to an organisation, with its form, its papers and its print-outs."""
