"""A recipe: from YAML to typed sections, steps, inputs and models."""
