"""What people look at in a finished run."""
