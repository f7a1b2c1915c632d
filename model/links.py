"""Where to read on: help and messages name pages on the web, since an installed package carries no docs folder."""

DOCS = "https://github.com/sketchseek/sketchseek/blob/main/docs"
