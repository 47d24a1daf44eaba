"""The employers' staff lists: who works here gets their group's doors, who has left loses them within the hour."""
