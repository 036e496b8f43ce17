"""Wikipedia dumps: from XML to pages."""
