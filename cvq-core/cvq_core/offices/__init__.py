"""Cash offices: who may collect what and how, drawers from open to close, and receipts in gapless series."""
