"""Family quotients asked of the CAF and the MSA, through the State's API Particulier."""
