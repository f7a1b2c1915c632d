"""From text to token ids, without a library that brings a model hub's client along."""
