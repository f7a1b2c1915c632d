"""Jobs: plan, decode, embed, merge, publish, and inspect."""
