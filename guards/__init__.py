"""What must not be there: rules and scanners over source trees."""
