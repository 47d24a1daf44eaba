"""The maker's PC: it lays cards on its reader and carries messages between their chips and the core."""
