"""Links for help and messages: to the web, since an installed package has no docs folder."""

DOCS = "https://github.com/sketchseek/sketchseek/blob/main/docs"
