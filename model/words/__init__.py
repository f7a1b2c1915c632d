"""Tokenizers: from text to token ids, without a library that depends on a model hub's client."""
