"""Minutes of a cash office: handover, on-the-spot audit, destruction of values; numbered and never changed."""
