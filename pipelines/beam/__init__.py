"""The only place that imports Apache Beam: thin transforms around pure functions of the same name."""
