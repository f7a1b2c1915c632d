"""Losses as pure functions of tensors: blocks that training methods share."""
