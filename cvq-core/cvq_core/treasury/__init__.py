"""What an office has at the Treasury: cheques banked and bounced, its statement matched, what stays unpaid."""
