"""The Django admin of those who operate the system: lists, audited actions, and the Memory page."""
