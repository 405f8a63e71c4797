"""Drivers for the parts of a subject, and our own witness. What they do and see becomes Ops."""
