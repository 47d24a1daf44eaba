"""What the readers' tests call by name; the village itself is `tests.made_up_village`."""

from tests.made_up_village import NOON, Village

__all__ = ["NOON", "Village"]
