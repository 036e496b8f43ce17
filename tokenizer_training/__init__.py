"""Floor 1: text to ids to packed rows to the trainer's loader. No Beam; torch only if the caller has it."""
