"""Wikitext to text: templates, tables, names of namespaces."""
