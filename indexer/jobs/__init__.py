"""What a run does: plan, decode, embed, merge, publish, inspect."""
