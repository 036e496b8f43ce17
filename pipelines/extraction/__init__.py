"""Payload to text: charsets, HTML engines, wikitext, and the killable child process that runs them."""
