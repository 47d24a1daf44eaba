"""The waste centre: what is brought, who pays for it, how often a household may come, and the slip of each visit."""
