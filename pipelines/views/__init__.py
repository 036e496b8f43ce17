"""A finished run as people look at it: its funnel, documents, duplicates, report, and a check of it."""
