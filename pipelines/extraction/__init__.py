"""Payload to text: charsets, HTML engines, wikitext, and the child process that runs them and may be killed."""
