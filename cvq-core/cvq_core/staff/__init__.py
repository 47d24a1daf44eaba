"""Staff: who works here, how they prove it, and what they may do where."""

from cvq_core.staff.rules import Grant, Permission, Principal, Role, Scope

__all__ = ["Grant", "Permission", "Principal", "Role", "Scope"]
