"""What is done to a system: faults, schedules, the nemesis that plays them, and the drills."""
