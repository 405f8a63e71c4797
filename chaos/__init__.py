"""What we do to a subject: faults, schedules, drills."""
