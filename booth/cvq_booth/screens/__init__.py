"""The booth's two screens: what a resident sees, from the desk's view and what the machines do."""
