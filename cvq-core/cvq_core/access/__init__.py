"""Who may pass where: access points, rights, taps and attendances."""
